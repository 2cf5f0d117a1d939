//! Decides when a partial header section is worth parsing.

/// Remembers how far a header section was searched for its end, so that input which arrives octet
/// by octet is not parsed at each octet.
#[derive(Debug, Default)]
pub(super) struct Scan {
    searched: usize,
    next_attempt: usize,
}

impl Scan {
    /// Returns whether the header section may be complete, or has doubled since it was last parsed.
    /// The doubling finds errors before the end, and all attempts together cost less than two full
    /// ones.
    pub(super) fn is_due(&mut self, octets: &[u8]) -> bool {
        // The empty line may begin in the part that was searched before.
        let from = self.searched.saturating_sub(2).min(octets.len());
        self.searched = octets.len();
        octets.len() >= self.next_attempt || has_empty_line(&octets[from..])
    }

    /// Records that the header section was parsed and is incomplete.
    pub(super) fn found_incomplete(&mut self, len: usize) {
        self.next_attempt = 2 * len;
    }

    pub(super) fn reset(&mut self) {
        *self = Scan::default();
    }
}

/// Returns whether a line end is followed by an empty line.
fn has_empty_line(octets: &[u8]) -> bool {
    let ends = octets.iter().enumerate().filter(|(_, octet)| **octet == b'\n');
    ends.into_iter().any(|(at, _)| matches!(octets[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_due_at_its_end_however_it_is_cut() {
        for head in ["GET / HTTP/1.1\r\na: b\r\n\r\n", "HTTP/1.1 200 OK\na: b\n\n"] {
            for cut in 1..head.len() {
                let mut scan = Scan::default();
                assert!(scan.is_due(&head.as_bytes()[..cut]));
                scan.found_incomplete(cut);
                assert!(scan.is_due(head.as_bytes()), "cut at {cut}");
            }
        }
    }

    #[test]
    fn octet_by_octet_few_attempts_are_made() {
        let head = [b'a'; 10_000];
        let mut scan = Scan::default();
        let mut attempts = 0;
        for len in 1..=head.len() {
            if scan.is_due(&head[..len]) {
                scan.found_incomplete(len);
                attempts += 1;
            }
        }
        assert_eq!(attempts, 14);
    }
}
