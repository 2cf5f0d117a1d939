//! The results of checks of field sections that come again.

use std::fmt;

use super::error::Malformed;
use super::headers::{self, RequestFacts, ResponseFacts};
use crate::hpack::Headers;

/// The last request whose section the decoder has kept. The next one with the same block has the
/// same fields, which need not be checked again.
#[derive(Default)]
pub(super) struct CheckedRequest(Option<(Headers, bool, RequestFacts)>);

impl CheckedRequest {
    /// [`headers::check_request`], or its result for the same section.
    pub(super) fn check(
        &mut self,
        section: &Headers,
        extended_connect: bool,
    ) -> Result<RequestFacts, Malformed> {
        match &self.0 {
            Some((known, extended, facts))
                if known.is_clone_of(section) && *extended == extended_connect =>
            {
                return Ok(*facts);
            }
            _ => {}
        }
        let facts = headers::check_request(section, extended_connect)?;
        if section.has_clones() {
            self.0 = Some((section.clone(), extended_connect, facts));
        }
        Ok(facts)
    }
}

/// Omits the fields, which may be confidential.
impl fmt::Debug for CheckedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckedRequest").finish_non_exhaustive()
    }
}

/// The last final response whose section the encoder has kept, by its number there.
#[derive(Debug, Default)]
pub(super) struct CheckedResponse(Option<(u64, ResponseFacts)>);

impl CheckedResponse {
    /// [`headers::check_response`], or its result for the section with this number.
    pub(super) fn check(
        &mut self,
        section: &Headers,
        number: Option<u64>,
        end_stream: bool,
    ) -> Result<ResponseFacts, Malformed> {
        match self.0 {
            Some((known, facts)) if number == Some(known) => return Ok(facts),
            _ => {}
        }
        let facts = headers::check_response(section, end_stream)?;
        // An interim response is only valid without `end_stream`.
        if let Some(number) = number.filter(|_| !facts.is_informational()) {
            self.0 = Some((number, facts));
        }
        Ok(facts)
    }
}
