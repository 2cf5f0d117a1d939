//! The clock's judgement of a leader, from one number per tick, without a lock.

use crate::exchange::Progress;

/// A leader that works without a read is replaced after this many ticks: it may be writing the
/// output of other threads.
const UNREAD_TICKS: u32 = 16;

/// A connection whose leader only reads is no longer watched after this many ticks.
const QUIET_TICKS: u32 = 2;

/// The observations of a leader. [`judge`](Self::judge) is called once per tick.
#[derive(Debug, Default)]
pub(super) struct LeaderWatch {
    /// The progress at the last tick, if the leader was working then.
    before: Option<Progress>,
    unread: u32,
    quiet: u32,
}

/// The result of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It makes progress, or reads.
    Fine,
    /// It has begun nothing since the last tick: it may be [stuck](super::suspect).
    Suspect,
    /// It works continuously, but has not read for many ticks.
    Unread,
    /// There is nothing to watch.
    Quiet,
}

impl LeaderWatch {
    /// Judges a leader by its current progress.
    pub(super) fn judge(&mut self, now: Progress) -> Verdict {
        let before = std::mem::replace(&mut self.before, now.is_working().then_some(now));
        if !now.is_working() {
            self.unread = 0;
            self.quiet =
                if before.is_some() || now.has_deferred_wakes() { 0 } else { self.quiet + 1 };
            return if self.quiet >= QUIET_TICKS { Verdict::Quiet } else { Verdict::Fine };
        }
        self.quiet = 0;
        let Some(before) = before.filter(|before| before.has_read_as_often(now)) else {
            self.unread = 0;
            return Verdict::Fine;
        };
        self.unread += 1;
        if before.is_at_the_step_of(now) {
            Verdict::Suspect
        } else if self.unread > UNREAD_TICKS {
            self.unread = 0;
            Verdict::Unread
        } else {
            Verdict::Fine
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn works(reads: u64, steps: u64) -> Progress {
        Progress::new(true, false, reads, steps)
    }

    fn reads(reads: u64) -> Progress {
        Progress::new(false, false, reads, 0)
    }

    #[test]
    fn leader_at_the_same_step_for_a_tick_is_suspected() {
        let mut watch = LeaderWatch::default();
        assert_eq!(watch.judge(works(1, 1)), Verdict::Fine);
        assert_eq!(watch.judge(works(1, 1)), Verdict::Suspect);
    }

    #[test]
    fn leader_that_was_suspected_and_went_on_is_replaced_without_a_read() {
        let mut watch = LeaderWatch::default();
        let seen: Vec<_> = (1..=20).map(|tick| watch.judge(works(1, tick / 2))).collect();
        assert_eq!(seen.iter().position(|verdict| *verdict == Verdict::Unread), Some(17));
    }

    #[test]
    fn leader_that_begins_something_in_each_tick_is_fine_if_it_reads() {
        let mut watch = LeaderWatch::default();
        for n in 0..100 {
            assert_eq!(watch.judge(works(n, n)), Verdict::Fine);
        }
    }

    #[test]
    fn leader_that_works_on_without_a_read_is_replaced() {
        let mut watch = LeaderWatch::default();
        let seen = (0..=u64::from(UNREAD_TICKS) + 1).map(|step| watch.judge(works(1, step)));
        let seen: Vec<_> = seen.collect();
        assert_eq!(seen.last(), Some(&Verdict::Unread));
        assert_eq!(
            seen.iter().filter(|&&verdict| verdict == Verdict::Fine).count(),
            seen.len() - 1
        );
    }

    #[test]
    fn leader_that_blocks_in_a_read_is_never_stuck() {
        let mut watch = LeaderWatch::default();
        let seen: Vec<_> = (0..3).map(|_| watch.judge(reads(7))).collect();
        assert_eq!(seen, [Verdict::Fine, Verdict::Quiet, Verdict::Quiet]);
    }

    #[test]
    fn work_between_two_ticks_keeps_the_watch() {
        let mut watch = LeaderWatch::default();
        for n in 0..10 {
            assert_eq!(watch.judge(works(n, n)), Verdict::Fine);
            assert_eq!(watch.judge(reads(n + 1)), Verdict::Fine);
        }
    }

    #[test]
    fn deferred_wakes_keep_the_watch() {
        let mut watch = LeaderWatch::default();
        for _ in 0..10 {
            assert_eq!(watch.judge(Progress::new(false, true, 1, 0)), Verdict::Fine);
        }
    }
}
