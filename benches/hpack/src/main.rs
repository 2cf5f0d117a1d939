//! HPACK side by side: this crate, libnghttp2 and h2, in nanoseconds a field.
//!
//! All three decode the same blocks, which libnghttp2 has encoded, and encode the same fields. They
//! take turns, so that whatever else goes on here slows down all of them alike; what is printed are
//! the medians of the CPU time.
//!
//! ```text
//! cargo run --release                                 all tables
//! cargo run --release -- responses                    that one
//! cargo run --release -- ours decode requests 1000    one of a table, 1,000 times, to profile it
//! ```

mod cpu_time;
mod h2_frames;
mod nghttp2;
mod ours;
#[path = "../../sets/mod.rs"]
mod sets;

use std::env;
use std::path::Path;
use std::time::Duration;

use h2_sync::Headers;
use sets::Set;

/// The number of timed passes of each.
const ROUNDS: usize = 401;

/// What is measured of one set: a pass over all its fields, which says how long it took.
struct Contender<'a> {
    name: &'static str,
    direction: &'static str,
    pass: Box<dyn FnMut() -> Duration + 'a>,
}

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut sets = vec![("requests", sets::requests()), ("responses", sets::responses())];
    match sets::recorded(&root) {
        Some(set) => sets.push(("recorded", set)),
        None => println!("no recorded field sections beside the crate: that table is left out\n"),
    }
    for (set_name, set) in &sets {
        let blocks: Vec<_> = set.connections.iter().map(|list| nghttp2::encode_all(list)).collect();
        match &args[..] {
            [] => print_table(set_name, set, &blocks),
            [of] if of == set_name => print_table(set_name, set, &blocks),
            [name, direction, of, times] if of == set_name => {
                let mut all = contenders(set, &blocks);
                let found = all.iter_mut().find(|it| it.name == name && it.direction == direction);
                let pass = &mut found.expect("ours, libnghttp2, h2; decode, encode").pass;
                let times = times.parse().expect("a number");
                println!("{:?}", (0..times).map(|_| pass()).sum::<Duration>() / times);
            }
            _ => {}
        }
    }
}

fn contenders<'a>(set: &'a Set, blocks: &'a [Vec<Vec<u8>>]) -> Vec<Contender<'a>> {
    let (sections, fields) = (&set.connections[..], set.fields());
    let lists = nghttp2::fields_of(sections);
    let messages = h2_frames::messages_of(sections);
    vec![
        decoder("ours", fields, || ours::decode(blocks)),
        decoder("libnghttp2", fields, || nghttp2::decode(blocks)),
        decoder("libnghttp2, kept", fields, || nghttp2::decode_and_keep(blocks)),
        Contender { name: "h2", direction: "decode", pass: Box::new(|| h2_frames::decode(blocks)) },
        encoder("ours", || time(|| ours::encode(sections))),
        encoder("libnghttp2", move || time(|| nghttp2::encode(&lists))),
        encoder("h2", move || h2_frames::encode(&messages)),
    ]
}

fn decoder<'a>(
    name: &'static str,
    fields: usize,
    mut decode: impl FnMut() -> usize + 'a,
) -> Contender<'a> {
    let pass = move || time(|| assert_eq!(decode(), fields, "fields by {name}"));
    Contender { name, direction: "decode", pass: Box::new(pass) }
}

fn encoder<'a>(name: &'static str, pass: impl FnMut() -> Duration + 'a) -> Contender<'a> {
    Contender { name, direction: "encode", pass: Box::new(pass) }
}

fn time(what: impl FnOnce()) -> Duration {
    let start = cpu_time::now();
    what();
    cpu_time::now() - start
}

fn print_table(name: &str, set: &Set, blocks: &[Vec<Vec<u8>>]) {
    let sections = || set.connections.iter().flatten();
    let plain: usize = sections().map(|list| list.section_size() - 32 * list.len()).sum();
    let size = |octets: usize| 100.0 * octets as f64 / plain as f64;
    println!(
        "{name}: {} fields in {} sections; size {:.1} % by ours, {:.1} % by libnghttp2",
        set.fields(),
        sections().count(),
        size(set.connections.iter().map(|list| ours::encoded_len(list)).sum()),
        size(blocks.iter().flatten().map(Vec::len).sum()),
    );
    let mut all = contenders(set, blocks);
    let mut samples = vec![Vec::new(); all.len()];
    for _ in 0..ROUNDS {
        for (one, samples) in all.iter_mut().zip(&mut samples) {
            // The first pass finds the caches full of what the others have left there.
            (one.pass)();
            samples.push((one.pass)());
        }
    }
    println!("{:8}{:18}{:>9}{:>12}", "", "", "ns/field", "ours ÷ it");
    let mut ours = 0.0;
    for (one, samples) in all.iter().zip(&mut samples) {
        samples.sort();
        let each = samples[ROUNDS / 2].as_nanos() as f64 / set.fields() as f64;
        if one.name == "ours" {
            ours = each;
        }
        println!("{:8}{:18}{each:>9.1}{:>12.2}", one.direction, one.name, ours / each);
    }
    println!();
}

/// For each connection, its field sections.
type Sections = [Vec<Headers>];
/// For each connection, its field blocks.
type Blocks = [Vec<Vec<u8>>];
