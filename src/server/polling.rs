//! Which threads poll, and which of them are stuck in a handler.
//!
//! ```text
//!   begins ─▶ waits ◀──────── done ─────────┐
//!             │   └──── input ────▶ serves a connection ─── stuck there ─▶ replaced
//!             ▼
//!         ends: others poll as well
//! ```
//!
//! A thread that is replaced ends when it has served its connection: another one has begun by then, or
//! enough others poll.

use std::time::Duration;

use super::suspect::Suspect;
use crate::kernel_thread::{KernelThread, Scheduled};

/// The number of connections that get a separate thread each after a polling thread was stuck.
const SLOW_MIN: u32 = 32;

/// The most of them, if polling threads are stuck again and again.
const SLOW_MAX: u32 = 128;

/// This many ready connections are too many for one thread.
const MANY: usize = 8;

/// A connection that takes longer is too much for a thread that has others to serve: calling
/// another thread takes a tenth of it.
const LONG: Duration = Duration::from_micros(100);

/// The number of a polling thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number(u64);

/// The threads that poll.
#[derive(Debug)]
pub(super) struct Polling {
    /// The most threads that poll at once.
    limit: usize,
    next: u64,
    /// The number of connections that were served.
    step: u64,
    threads: Vec<(Number, Doing)>,
    slow: Slow,
    /// Whether serving a connection has taken long the last time.
    takes_long: bool,
    /// Whether a thread has served a connection since the last tick.
    was_busy: bool,
}

/// What a polling thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Waits,
    /// It serves a connection.
    Serves {
        thread: KernelThread,
        /// Which of all connections that were served this is.
        step: u64,
        /// Set by the first tick that finds it there.
        suspect: Option<Suspect>,
    },
}

impl Doing {
    /// Returns whether a tick has found the thread where it is.
    fn is_suspect(&self) -> bool {
        matches!(self, Doing::Serves { suspect: Some(_), .. })
    }

    /// Returns whether the thread is stuck, and could not be replaced.
    fn is_stuck(&self) -> bool {
        matches!(self, Doing::Serves { suspect: Some(suspect), .. } if suspect.is_stuck())
    }
}

/// A thread that two ticks have found in the same connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Suspected {
    pub(super) number: Number,
    pub(super) thread: KernelThread,
    step: u64,
}

/// How another thread is made to take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Help {
    /// One that waits for input is woken.
    Wake,
    /// Another one is started.
    Start,
}

impl Polling {
    pub(super) fn new(limit: usize) -> Self {
        let (threads, slow) = (Vec::new(), Slow::default());
        let (takes_long, was_busy) = (false, false);
        Polling { limit: limit.max(1), next: 0, step: 0, threads, slow, takes_long, was_busy }
    }

    /// Returns whether no thread polls.
    pub(super) fn is_empty(&self) -> bool {
        self.threads.is_empty()
    }

    /// Returns whether a thread polls that is not stuck.
    pub(super) fn has_thread(&self) -> bool {
        self.threads.iter().any(|(_, doing)| !doing.is_stuck())
    }

    /// Adds a thread, which begins to poll.
    pub(super) fn begin(&mut self) -> Number {
        let number = Number(self.next);
        self.next += 1;
        self.threads.push((number, Doing::Waits));
        number
    }

    /// Removes a thread, if it is there.
    pub(super) fn end(&mut self, thread: Number) {
        self.threads.retain(|(number, _)| *number != thread);
    }

    /// Returns whether no other thread polls.
    pub(super) fn is_alone(&self, thread: Number) -> bool {
        self.threads.iter().all(|(number, _)| *number == thread)
    }

    /// Records that the calling thread begins to serve a connection.
    pub(super) fn serves(&mut self, thread: Number) {
        self.was_busy = true;
        self.step += 1;
        let (kernel, step) = (KernelThread::current(), self.step);
        self.set(thread, Doing::Serves { thread: kernel, step, suspect: None });
    }

    /// Records that a thread serves no connection, but takes the next or waits. Returns `false` if
    /// it was replaced.
    pub(super) fn is_free(&mut self, thread: Number) -> bool {
        let before = self.set(thread, Doing::Waits);
        if matches!(before, Some(Doing::Serves { .. })) {
            self.slow.was_quick();
        }
        before.is_some()
    }

    fn set(&mut self, thread: Number, doing: Doing) -> Option<Doing> {
        let (_, before) = self.threads.iter_mut().find(|(number, _)| *number == thread)?;
        Some(std::mem::replace(before, doing))
    }

    /// Records how long a thread has served a connection.
    pub(super) fn has_served(&mut self, time: Duration) {
        self.takes_long = time >= LONG;
    }

    /// Returns whether the next connection gets a separate thread, since handlers were slow.
    pub(super) fn wants_thread(&mut self) -> bool {
        self.slow.wants_thread()
    }

    /// Returns how another thread is made to take part, if `ready` connections are too many for the
    /// thread that serves one now. One is too many if serving each takes long.
    pub(super) fn help(&self, ready: usize) -> Option<Help> {
        let many = if self.takes_long { 1 } else { MANY };
        if self.limit == 1 || ready < many {
            return None;
        }
        if self.threads.iter().any(|(_, doing)| *doing == Doing::Waits) {
            return Some(Help::Wake);
        }
        (self.threads.len() < self.limit).then_some(Help::Start)
    }

    /// A tick of the clock. Returns the threads that are in the same connection as at the last tick. The
    /// caller finds out how they are [scheduled](KernelThread::scheduled), and has them
    /// [judged](Self::judge).
    pub(super) fn tick(&mut self) -> Vec<Suspected> {
        let mut suspected = Vec::new();
        for (number, doing) in &mut self.threads {
            let Doing::Serves { thread, step, suspect } = doing else { continue };
            match suspect {
                Some(_) => {
                    suspected.push(Suspected { number: *number, thread: *thread, step: *step });
                }
                None => *suspect = Some(Suspect::default()),
            }
        }
        suspected
    }

    /// Returns whether a thread is stuck, which was scheduled like this. It is not if it has gone on
    /// meanwhile.
    pub(super) fn judge(&mut self, suspected: Suspected, scheduled: Scheduled) -> bool {
        let mut threads = self.threads.iter_mut();
        let found = threads.find(|(number, _)| *number == suspected.number);
        match found.map(|(_, doing)| doing) {
            Some(Doing::Serves { step, suspect: Some(suspect), .. }) if *step == suspected.step => {
                suspect.judge(scheduled)
            }
            _ => false,
        }
    }

    /// Returns whether a thread that waits should serve what is ready, since another one has been found in
    /// a connection.
    pub(super) fn should_wake(&self) -> bool {
        let does = |what: fn(&Doing) -> bool| self.threads.iter().any(|(_, doing)| what(doing));
        does(Doing::is_suspect) && does(|doing| *doing == Doing::Waits)
    }

    /// Removes a stuck thread that is not needed any more, or for which another one has begun.
    pub(super) fn replace(&mut self, stuck: Number) {
        self.end(stuck);
        self.slow.begin();
    }

    /// Returns whether a thread may end: as many others poll as there may be, or one does and this one
    /// `had_nothing` to do. Those that are stuck do not count.
    pub(super) fn is_surplus(&self, thread: Number, had_nothing: bool) -> bool {
        let others =
            self.threads.iter().filter(|(number, doing)| *number != thread && !doing.is_stuck());
        let others = others.count();
        others >= self.limit || had_nothing && others > 0
    }

    /// Returns whether there are more threads than the limit.
    pub(super) fn is_over_limit(&self) -> bool {
        self.threads.len() > self.limit
    }

    /// Returns whether there was nothing to watch since this was called last.
    pub(super) fn is_quiet(&mut self) -> bool {
        !std::mem::take(&mut self.was_busy)
            && self.threads.iter().all(|(_, doing)| *doing == Doing::Waits)
    }
}

/// How many connections still get a separate thread each, since handlers were slow.
///
/// The number doubles when polling threads are stuck again soon, and falls with each connection that
/// is served quickly. Their time is not measured: on a busy machine, quick handlers take long too.
#[derive(Debug)]
struct Slow {
    left: u32,
    next: u32,
}

impl Default for Slow {
    fn default() -> Self {
        Slow { left: 0, next: SLOW_MIN }
    }
}

impl Slow {
    fn begin(&mut self) {
        self.left = self.next;
        self.next = (self.next * 2).min(SLOW_MAX);
    }

    fn wants_thread(&mut self) -> bool {
        let wants = self.left > 0;
        self.left = self.left.saturating_sub(1);
        wants
    }

    fn was_quick(&mut self) {
        self.next = (self.next - 1).max(SLOW_MIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tick at which all threads are blocked. Returns those that are stuck.
    fn tick(polling: &mut Polling) -> Vec<Number> {
        let mut suspected = polling.tick();
        suspected.retain(|suspected| polling.judge(*suspected, Scheduled::Blocked));
        suspected.into_iter().map(|suspected| suspected.number).collect()
    }

    #[test]
    fn thread_that_is_blocked_in_the_same_connection_at_two_ticks_is_stuck() {
        let mut polling = Polling::new(1);
        let thread = polling.begin();
        polling.serves(thread);
        assert_eq!(tick(&mut polling), []);
        assert!(polling.has_thread());
        assert_eq!(tick(&mut polling), [thread]);
        assert!(!polling.has_thread());
        let next = polling.begin();
        polling.replace(thread);
        assert!(polling.has_thread() && !polling.is_free(thread) && polling.is_free(next));
    }

    #[test]
    fn thread_that_waits_for_a_processor_is_not_stuck() {
        let mut polling = Polling::new(1);
        let thread = polling.begin();
        polling.serves(thread);
        for _ in 0..10 {
            for suspected in polling.tick() {
                assert!(!polling.judge(suspected, Scheduled::Runnable { used: LONG }));
            }
        }
        assert!(polling.has_thread());
    }

    #[test]
    fn thread_that_has_gone_on_while_the_kernel_was_asked_is_not_stuck() {
        let mut polling = Polling::new(1);
        let thread = polling.begin();
        polling.serves(thread);
        assert_eq!(polling.tick(), []);
        let suspected = polling.tick()[0];
        // It waits for the lock, or serves another connection.
        polling.is_free(thread);
        assert!(!polling.judge(suspected, Scheduled::Blocked));
        polling.serves(thread);
        polling.tick();
        assert!(!polling.judge(suspected, Scheduled::Blocked) && polling.has_thread());
    }

    #[test]
    fn thread_that_serves_a_connection_after_the_other_is_not_stuck() {
        let mut polling = Polling::new(1);
        let thread = polling.begin();
        for _ in 0..10 {
            assert!(polling.is_free(thread));
            polling.serves(thread);
            assert_eq!(tick(&mut polling), []);
        }
        assert!(polling.is_free(thread));
        assert_eq!((tick(&mut polling), tick(&mut polling)), (Vec::new(), Vec::new()));
    }

    #[test]
    fn connections_get_threads_for_a_while_after_a_thread_was_stuck() {
        let mut polling = Polling::new(1);
        assert!(!polling.wants_thread());
        let counted = |polling: &mut Polling| (0..).take_while(|_| polling.wants_thread()).count();
        let seen = [(); 4].map(|()| {
            let thread = polling.begin();
            polling.replace(thread);
            counted(&mut polling)
        });
        assert_eq!(seen, [32, 64, 128, 128]);
        let thread = polling.begin();
        for _ in 0..SLOW_MAX {
            polling.serves(thread);
            polling.is_free(thread);
        }
        polling.replace(thread);
        assert_eq!(counted(&mut polling), 32);
    }

    #[test]
    fn threads_are_added_up_to_the_limit_and_those_that_wait_are_woken_first() {
        let mut polling = Polling::new(2);
        let one = polling.begin();
        polling.serves(one);
        assert_eq!(polling.help(MANY - 1), None);
        assert_eq!(polling.help(MANY), Some(Help::Start));
        polling.has_served(LONG);
        assert_eq!((polling.help(0), polling.help(1)), (None, Some(Help::Start)));
        let two = polling.begin();
        assert_eq!(polling.help(1), Some(Help::Wake));
        polling.serves(two);
        assert_eq!(polling.help(MANY), None);
        assert!(!polling.is_alone(one));
        polling.end(two);
        assert!(polling.is_alone(one));
    }

    #[test]
    fn thread_is_surplus_if_as_many_others_poll_as_may() {
        let mut polling = Polling::new(1);
        let (one, two) = (polling.begin(), polling.begin());
        assert!(polling.is_surplus(one, false) && polling.is_surplus(two, false));
        polling.serves(two);
        assert_eq!((tick(&mut polling), tick(&mut polling)), (vec![], vec![two]));
        // A stuck thread polls no more.
        assert!(!polling.is_surplus(one, false) && polling.is_surplus(two, false));
    }

    #[test]
    fn one_core_has_one_thread() {
        let mut polling = Polling::new(1);
        let thread = polling.begin();
        polling.serves(thread);
        assert_eq!(polling.help(1_000), None);
        assert!(!polling.is_over_limit());
        polling.begin();
        assert!(polling.is_over_limit());
    }

    #[test]
    fn quiet_means_that_nothing_was_served_since() {
        let mut polling = Polling::new(1);
        let thread = polling.begin();
        assert!(polling.is_quiet());
        polling.serves(thread);
        polling.is_free(thread);
        assert!(!polling.is_quiet());
        assert!(polling.is_quiet());
    }
}
