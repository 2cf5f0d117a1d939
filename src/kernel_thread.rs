//! Threads as the kernel schedules them.

use std::cell::OnceCell;
use std::time::Duration;

thread_local! {
    static CURRENT: OnceCell<KernelThread> = const { OnceCell::new() };
}

/// A thread of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KernelThread {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    id: rustix::thread::Pid,
}

/// The scheduling state of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheduled {
    /// It runs, or waits for a processor.
    Runnable {
        /// The processor time that it has used. While it runs, the kernel counts it every few milliseconds.
        used: Duration,
    },
    /// It waits for something else, or the kernel does not tell.
    Blocked,
}

impl KernelThread {
    /// The calling thread.
    pub(crate) fn current() -> Self {
        // Asked for once per thread: it is a system call.
        CURRENT.with(|current| {
            *current.get_or_init(|| KernelThread {
                #[cfg(any(target_os = "linux", target_os = "android"))]
                id: rustix::thread::gettid(),
            })
        })
    }

    /// Returns the scheduling state. It is read from the kernel, which takes some microseconds.
    pub(crate) fn scheduled(self) -> Scheduled {
        self.look_up().unwrap_or(Scheduled::Blocked)
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn look_up(self) -> Option<Scheduled> {
        let folder = format!("/proc/self/task/{}", self.id.as_raw_nonzero());
        let read = |name| std::fs::read_to_string(format!("{folder}/{name}")).ok();
        match is_runnable(&read("stat")?)? {
            true => Some(Scheduled::Runnable { used: time_used(&read("schedstat")?)? }),
            false => Some(Scheduled::Blocked),
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn look_up(self) -> Option<Scheduled> {
        None
    }
}

/// Parses `/proc/self/task/<id>/stat` (proc_pid_stat(5)): the state follows the name.
#[cfg(any(target_os = "linux", target_os = "android", test))]
fn is_runnable(stat: &str) -> Option<bool> {
    // The name may contain anything.
    let (_, rest) = stat.rsplit_once(") ")?;
    Some(rest.starts_with('R'))
}

/// Parses `/proc/self/task/<id>/schedstat`: the first number is the time on processors in nanoseconds.
#[cfg(any(target_os = "linux", target_os = "android", test))]
fn time_used(schedstat: &str) -> Option<Duration> {
    let first = schedstat.split(' ').next()?;
    Some(Duration::from_nanos(first.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    #[test]
    fn state_is_behind_any_name() {
        assert_eq!(is_runnable("7 (a) R 0 (b) S 1 7 1"), Some(false));
        assert_eq!(is_runnable("7 (a) S 0 (b) R 1 7 1"), Some(true));
        assert_eq!(is_runnable(""), None);
    }

    #[test]
    fn time_is_the_first_number() {
        assert_eq!(time_used("1500 20 3\n"), Some(Duration::from_nanos(1500)));
        assert_eq!(time_used(""), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn thread_that_runs_is_runnable() {
        // Some kernels do not count the time.
        if std::fs::exists("/proc/self/schedstat").unwrap() {
            let scheduled = KernelThread::current().scheduled();
            assert!(matches!(scheduled, Scheduled::Runnable { .. }), "{scheduled:?}");
        }
    }

    #[test]
    fn thread_that_waits_or_has_ended_is_blocked() {
        let (say, hear) = channel();
        let (stop, stopped) = channel::<()>();
        let thread = thread::spawn(move || {
            say.send(KernelThread::current()).unwrap();
            let _ = stopped.recv();
        });
        let other = hear.recv().unwrap();
        while other.scheduled() != Scheduled::Blocked {
            thread::yield_now();
        }
        drop(stop);
        thread.join().unwrap();
        // The kernel may take a moment to clear it away.
        while other.scheduled() != Scheduled::Blocked {
            thread::yield_now();
        }
    }
}
