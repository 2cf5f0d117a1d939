//! RFC 9113, Sections 3 to 8, requirement by requirement. See `README.md` beside this file.

mod live;
mod peer;
mod readme;
mod rfc_7541;
mod rfc_9218;
mod section_10_5;
mod section_3;
mod section_4_1;
mod section_4_2;
mod section_4_3;
mod section_5_1;
mod section_5_1_1;
mod section_5_2;
mod section_5_3;
mod section_5_4;
mod section_6_1;
mod section_6_10;
mod section_6_2;
mod section_6_5;
mod section_6_6;
mod section_6_7;
mod section_6_9;
mod section_7;
mod section_8_1;
mod section_8_2;
mod section_8_3;
mod section_8_4;
mod section_8_5;
#[path = "../support/mod.rs"]
mod support;

use support::wire;
