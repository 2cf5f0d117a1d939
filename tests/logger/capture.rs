//! A logger that keeps the lines, and uses what the lines are about.

use std::cell::Cell;
use std::sync::{Mutex, Once};

use log::{Level, LevelFilter, Log, Metadata, Record};

/// What a logger does with a connection.
type Use = Box<dyn Fn() + Send>;

struct Capture {
    lines: Mutex<Vec<(Level, String)>>,
    uses: Mutex<Vec<Use>>,
}

static CAPTURE: Capture = Capture { lines: Mutex::new(Vec::new()), uses: Mutex::new(Vec::new()) };

thread_local! {
    /// A line is being written on this thread: what that makes the crate log is not looked at.
    static IS_WRITING: Cell<bool> = const { Cell::new(false) };
}

impl Capture {
    fn use_all(&self) {
        if !IS_WRITING.replace(true) {
            // Where another thread is at it, that is enough.
            if let Ok(uses) = self.uses.try_lock() {
                uses.iter().for_each(|act| act());
            }
            IS_WRITING.set(false);
        }
    }
}

impl Log for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        self.use_all();
        true
    }

    fn log(&self, record: &Record<'_>) {
        if record.target().starts_with("h2_sync") {
            self.lines.lock().unwrap().push((record.level(), record.args().to_string()));
            self.use_all();
        }
    }

    fn flush(&self) {}
}

/// Everything is logged from now on, and all lines are kept.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        log::set_logger(&CAPTURE).unwrap();
        log::set_max_level(LevelFilter::Trace);
    });
}

/// From now on, the logger does this for each line.
pub(crate) fn for_each_line(act: impl Fn() + Send + 'static) {
    CAPTURE.uses.lock().unwrap().push(Box::new(act));
}

/// The lines that have this in them, with their levels.
pub(crate) fn lines_with(text: &str) -> Vec<(Level, String)> {
    let lines = CAPTURE.lines.lock().unwrap();
    lines.iter().filter(|(_, line)| line.contains(text)).cloned().collect()
}
