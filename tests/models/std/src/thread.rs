//! Threads that the model checker schedules.

use ::std::cell::{Cell, RefCell};
use ::std::collections::{HashMap, HashSet};
use ::std::io;
use ::std::num::NonZero;
use ::std::sync::Arc;
use ::std::sync::atomic::{AtomicBool, Ordering};
pub use ::std::thread::*;
use ::std::time::Duration;

pub use shuttle::thread::{Scope, ScopedJoinHandle, ThreadId, scope, yield_now};

use shuttle::rand::{Rng, thread_rng};

use crate::clock;
pub use crate::local::LocalKey;
use crate::sync::Waiter;

/// The number of cores, unless a model sets another.
const CORES_AT_FIRST: usize = 2;

/// As std's, but for the size of the stack, which is that of all threads of a model.
#[derive(Debug, Default)]
pub struct Builder {
    name: Option<String>,
}

impl Builder {
    pub fn new() -> Self {
        Builder::default()
    }

    pub fn name(mut self, name: String) -> Self {
        self.name = Some(name);
        self
    }

    pub fn stack_size(self, _: usize) -> Self {
        self
    }

    pub fn spawn<F, T>(self, body: F) -> io::Result<JoinHandle<T>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        if FAILS.get() && thread_rng().gen_range(0..3) == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        start_one(self.name, body)
    }
}

fn start_one<F, T>(name: Option<String>, body: F) -> io::Result<JoinHandle<T>>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let is_finished = Arc::new(AtomicBool::new(false));
    let theirs = Finished(Arc::clone(&is_finished));
    let body = move || {
        let _finished = theirs;
        body()
    };
    let mut builder = shuttle::thread::Builder::new();
    if let Some(name) = name {
        builder = builder.name(name);
    }
    let inner = builder.spawn(body)?;
    Ok(JoinHandle { thread: Thread(inner.thread().clone()), inner, is_finished })
}

#[derive(Debug)]
pub struct JoinHandle<T> {
    thread: Thread,
    inner: shuttle::thread::JoinHandle<T>,
    is_finished: Arc<AtomicBool>,
}

impl<T> JoinHandle<T> {
    pub fn join(self) -> Result<T> {
        self.inner.join()
    }

    pub fn thread(&self) -> &Thread {
        &self.thread
    }

    pub fn is_finished(&self) -> bool {
        // Lets other threads run first.
        shuttle::thread::sleep(Duration::ZERO);
        self.is_finished.load(Ordering::SeqCst)
    }
}

/// Reports the end of the thread, also after a panic.
struct Finished(Arc<AtomicBool>);

impl Drop for Finished {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

pub fn spawn<F, T>(body: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    start_one(None, body).expect("threads of a model can be started")
}

/// Whether from now on the system refuses a thread now and then, where a [`Builder`] asks for one.
pub fn set_fails(fails: bool) {
    FAILS.set(fails);
}

/// Sets the number of cores of the machine.
pub fn set_cores(cores: usize) {
    CORES.set(cores);
}

pub fn available_parallelism() -> io::Result<NonZero<usize>> {
    Ok(NonZero::new(CORES.get()).expect("a machine has cores"))
}

/// Whether this thread unwinds after a [panic of its model](crate::model::unwind). std's would say
/// so while another thread of the model does.
pub fn panicking() -> bool {
    ::std::thread::panicking() && UNWINDING.with_borrow(|all| all.contains(&current().id()))
}

pub(crate) fn begin_unwinding() {
    UNWINDING.with_borrow_mut(|all| all.insert(current().id()));
}

pub(crate) fn end_unwinding() {
    UNWINDING.with_borrow_mut(|all| all.remove(&current().id()));
}

::std::thread_local! {
    static FAILS: Cell<bool> = const { Cell::new(false) };
    static CORES: Cell<usize> = const { Cell::new(CORES_AT_FIRST) };
    static UNWINDING: RefCell<HashSet<ThreadId>> = RefCell::default();
    // All threads of an execution are run by one thread of the system's.
    static PARKED: RefCell<HashMap<ThreadId, Parking>> = RefCell::default();
}

#[derive(Default)]
struct Parking {
    has_token: bool,
    parked: Option<Waiter>,
}

pub(crate) fn start() {
    PARKED.take();
    UNWINDING.take();
    FAILS.set(false);
    CORES.set(CORES_AT_FIRST);
}

pub(crate) fn forget() {
    ::std::mem::forget(PARKED.take());
}

/// A thread, which can be unparked. It wakes up for no other reason than that and its timeout:
/// shuttle's may wake up for none, and a wake-up that is lost would not be missed.
#[derive(Debug, Clone)]
pub struct Thread(shuttle::thread::Thread);

pub fn current() -> Thread {
    Thread(shuttle::thread::current())
}

impl Thread {
    pub fn id(&self) -> ThreadId {
        self.0.id()
    }

    pub fn name(&self) -> Option<&str> {
        self.0.name()
    }

    pub fn unpark(&self) {
        // Lets other threads run first.
        shuttle::thread::sleep(Duration::ZERO);
        let parked = PARKED.with_borrow_mut(|all| {
            let parking = all.entry(self.id()).or_default();
            parking.has_token = parking.parked.is_none();
            parking.parked.take()
        });
        if let Some(waiter) = parked {
            waiter.wake();
        }
    }
}

pub fn park() {
    park_until(None);
}

pub fn park_timeout(timeout: Duration) {
    park_until(Some(timeout));
}

fn park_until(timeout: Option<Duration>) {
    let me = current().id();
    let waiter = PARKED.with_borrow_mut(|all| {
        let parking = all.entry(me).or_default();
        if ::std::mem::take(&mut parking.has_token) {
            return None;
        }
        parking.parked = Some(Waiter::new());
        parking.parked.clone()
    });
    let Some(waiter) = waiter else { return };
    let late = waiter.clone();
    let _timer = timeout.map(|timeout| clock::set(timeout, move || late.time_out()));
    if !waiter.wait() {
        PARKED.with_borrow_mut(|all| all.entry(me).or_default().parked = None);
    }
}

pub fn sleep(time: Duration) {
    let waiter = Waiter::new();
    let late = waiter.clone();
    let _timer = clock::set(time, move || late.time_out());
    waiter.wait();
}
