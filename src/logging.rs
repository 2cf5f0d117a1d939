//! Log lines, written while none of the crate's locks is held.
//!
//! The logger is the application's. It may take its time, or use the connection that the line is
//! about, whose lock it would wait for without end. So lines that come up under a [`Lock`] are kept by
//! their thread until the last lock has been given back, whatever code runs under it. No other file
//! uses the macros of `log` (`tests/floors`).

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use log::{Level, Record};

/// The target of the lines that show frames: `RUST_LOG=h2_sync::frames=trace` has them.
pub const FRAMES: &str = "h2_sync::frames";

/// The target of the access log: `RUST_LOG=h2_sync::access=info` has it.
pub(crate) const ACCESS: &str = "h2_sync::access";

/// Octets of text that are kept under one lock. Lines beyond are left out, and counted.
const MAX_KEPT: usize = 1 << 20;

thread_local! {
    /// The holds of this thread.
    static HOLDS: Cell<usize> = const { Cell::new(0) };
    /// Whether frames are logged, as the logger said when the first hold began.
    static SHOWS_FRAMES: Cell<bool> = const { Cell::new(false) };
    /// Whether lines have been kept.
    static HAS_KEPT: Cell<bool> = const { Cell::new(false) };
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept::new()) };
}

/// Lines that wait for the lock to be given back.
#[derive(Default)]
struct Kept {
    lines: Vec<Line>,
    octets: usize,
    left_out: usize,
}

struct Line {
    level: Level,
    target: &'static str,
    text: String,
}

/// A mutex under which no line of the log is written. A panic under it does not poison it.
#[derive(Debug, Default)]
pub(crate) struct Lock<T>(Mutex<T>);

/// A [`Lock`], held.
#[derive(Debug)]
pub(crate) struct Locked<'a, T> {
    value: MutexGuard<'a, T>,
    // Dropped behind the guard.
    hold: Hold,
}

/// Keeps the lines of this thread until it is dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    // It belongs to its thread.
    _not_send: PhantomData<*const ()>,
}

impl<T> Lock<T> {
    pub(crate) fn new(value: T) -> Self {
        Lock(Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> Locked<'_, T> {
        let hold = Hold::begin();
        Locked { value: self.0.lock().unwrap_or_else(PoisonError::into_inner), hold }
    }
}

impl<T> Locked<'_, T> {
    /// Gives the lock back, and lets no line through yet.
    pub(crate) fn unlock(self) -> Hold {
        let Locked { value, hold } = self;
        drop(value);
        hold
    }

    /// Waits for `changed`, for that long at most if there is a limit.
    pub(crate) fn wait(self, changed: &Condvar, time: Option<Duration>) -> Self {
        let Locked { value, hold } = self;
        let value = match time {
            Some(time) => {
                changed.wait_timeout(value, time).unwrap_or_else(PoisonError::into_inner).0
            }
            None => changed.wait(value).unwrap_or_else(PoisonError::into_inner),
        };
        Locked { value, hold }
    }
}

impl<T> Deref for Locked<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Locked<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl Hold {
    #[inline]
    fn begin() -> Self {
        let holds = HOLDS.get();
        if holds == 0 && log::max_level() >= Level::Trace {
            SHOWS_FRAMES.set(asks_for_frames());
        }
        HOLDS.set(holds + 1);
        Hold { _not_send: PhantomData }
    }
}

impl Drop for Hold {
    #[inline]
    fn drop(&mut self) {
        let holds = HOLDS.get() - 1;
        HOLDS.set(holds);
        if holds == 0 && HAS_KEPT.get() {
            write_kept();
        }
    }
}

/// Writes a line, or keeps it while this thread has a hold. See the macros.
pub(crate) fn write(level: Level, target: &'static str, text: fmt::Arguments<'_>) {
    if HOLDS.get() == 0 {
        return write_now(level, target, text);
    }
    // Without its memory, a thread that ends has nothing more to tell.
    let _ = KEPT
        .try_with(|kept| kept.borrow_mut().push(Line { level, target, text: text.to_string() }));
    HAS_KEPT.set(true);
}

/// Whether lines that show frames are wanted. Asks the logger only where there is no lock.
pub(crate) fn shows_frames() -> bool {
    log::max_level() >= Level::Trace
        && if HOLDS.get() > 0 { SHOWS_FRAMES.get() } else { asks_for_frames() }
}

/// Whether the access log is wanted. Asks the logger, so it must not be called under a lock.
pub(crate) fn shows_access() -> bool {
    log::max_level() >= Level::Info && log::log_enabled!(target: ACCESS, Level::Info)
}

fn asks_for_frames() -> bool {
    log::log_enabled!(target: FRAMES, Level::Trace)
}

#[cold]
fn write_kept() {
    HAS_KEPT.set(false);
    let Ok(kept) = KEPT.try_with(RefCell::take) else { return };
    for line in &kept.lines {
        write_now(line.level, line.target, format_args!("{}", line.text));
    }
    if kept.left_out > 0 {
        let left_out = kept.left_out;
        write_now(
            Level::Debug,
            module_path!(),
            format_args!("{left_out} lines of the log are left out"),
        );
    }
}

fn write_now(level: Level, target: &str, text: fmt::Arguments<'_>) {
    let record = Record::builder().level(level).target(target).args(text).build();
    log::logger().log(&record);
}

impl Kept {
    const fn new() -> Self {
        Kept { lines: Vec::new(), octets: 0, left_out: 0 }
    }

    fn push(&mut self, line: Line) {
        if self.octets + line.text.len() <= MAX_KEPT {
            self.octets += line.text.len();
            self.lines.push(line);
        } else {
            self.left_out += 1;
        }
    }
}

/// A line at a level, as with the macro of that name in `log`.
macro_rules! line {
    ($level:ident, target: $target:expr, $($text:tt)+) => {
        if log::Level::$level <= log::STATIC_MAX_LEVEL && log::Level::$level <= log::max_level() {
            $crate::logging::write(log::Level::$level, $target, format_args!($($text)+));
        }
    };
    ($level:ident, $($text:tt)+) => {
        $crate::logging::line!($level, target: module_path!(), $($text)+)
    };
}

macro_rules! error_line {
    ($($text:tt)+) => { $crate::logging::line!(Error, $($text)+) };
}

macro_rules! warn_line {
    ($($text:tt)+) => { $crate::logging::line!(Warn, $($text)+) };
}

macro_rules! debug_line {
    ($($text:tt)+) => { $crate::logging::line!(Debug, $($text)+) };
}

macro_rules! trace_line {
    ($($text:tt)+) => { $crate::logging::line!(Trace, $($text)+) };
}

pub(crate) use {
    debug_line as debug, error_line as error, line, trace_line as trace, warn_line as warn,
};
