//! std's, whose threads do not wait for one another in a way that would stop the whole model.

use ::std::fmt;
use ::std::sync;

use super::Mutex;

pub struct OnceLock<T> {
    value: sync::OnceLock<T>,
    /// Held while a thread makes the value.
    making: Mutex<()>,
}

impl<T> OnceLock<T> {
    pub const fn new() -> Self {
        OnceLock { value: sync::OnceLock::new(), making: Mutex::new(()) }
    }

    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    pub fn set(&self, value: T) -> Result<(), T> {
        let _making = self.making.lock();
        self.value.set(value)
    }

    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        if self.get().is_none() {
            let _making = self.making.lock();
            if self.get().is_none() {
                let value = make();
                return self.value.get_or_init(|| value);
            }
        }
        self.get().expect("it is made")
    }

    pub fn take(&mut self) -> Option<T> {
        self.value.take()
    }

    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        OnceLock::new()
    }
}

impl<T> From<T> for OnceLock<T> {
    fn from(value: T) -> Self {
        OnceLock { value: sync::OnceLock::from(value), making: Mutex::new(()) }
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
