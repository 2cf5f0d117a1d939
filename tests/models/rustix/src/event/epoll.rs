//! `epoll` over the sockets of a model. A set is only asked what is readable.

use std::ops::BitOr;
use std::sync::Arc;
use std::time::Duration;

use modelled_std::net::epoll::Epoll;

use super::super::fd::{AsFd, OwnedFd};
use super::super::io::{Errno, Result};
use super::Timespec;

pub struct CreateFlags;

impl CreateFlags {
    pub const CLOEXEC: CreateFlags = CreateFlags;
}

#[derive(Clone, Copy)]
pub struct EventFlags {
    is_once: bool,
}

impl EventFlags {
    pub const IN: EventFlags = EventFlags { is_once: false };
    /// The end of input is readable here.
    pub const RDHUP: EventFlags = EventFlags::IN;
    pub const ONESHOT: EventFlags = EventFlags { is_once: true };
}

impl BitOr for EventFlags {
    type Output = EventFlags;

    fn bitor(self, other: EventFlags) -> EventFlags {
        EventFlags { is_once: self.is_once || other.is_once }
    }
}

#[derive(Clone, Copy)]
pub struct EventData(u64);

impl EventData {
    pub fn new_u64(value: u64) -> Self {
        EventData(value)
    }

    pub fn u64(self) -> u64 {
        self.0
    }
}

pub struct Event {
    pub data: EventData,
}

pub fn create(_: CreateFlags) -> Result<OwnedFd> {
    if !modelled_std::net::has_epoll() {
        return Err(Errno::NOSYS);
    }
    Ok(OwnedFd::Epoll(Arc::default()))
}

pub fn add(set: &OwnedFd, what: &impl AsFd, data: EventData, flags: EventFlags) -> Result<()> {
    let source = what.source().ok_or(Errno::INVAL)?;
    epoll(set)?.add(source, data.0, flags.is_once).map_err(|_| Errno::EXIST)
}

pub fn modify(set: &OwnedFd, what: &impl AsFd, data: EventData, flags: EventFlags) -> Result<()> {
    let source = what.source().ok_or(Errno::INVAL)?;
    epoll(set)?.modify(source, data.0, flags.is_once).map_err(|_| Errno::NOENT)
}

/// Fills what is left of the capacity.
pub fn wait(set: &OwnedFd, events: &mut Vec<Event>, time: Option<&Timespec>) -> Result<usize> {
    let time = time.map(|time| Duration::new(time.tv_sec as u64, time.tv_nsec as u32));
    let tokens = epoll(set)?.wait(events.capacity() - events.len(), time);
    let count = tokens.len();
    events.extend(tokens.into_iter().map(|token| Event { data: EventData(token) }));
    Ok(count)
}

fn epoll(set: &OwnedFd) -> Result<&Arc<Epoll>> {
    match set {
        OwnedFd::Epoll(epoll) => Ok(epoll),
        OwnedFd::Eventfd(_) => Err(Errno::INVAL),
    }
}
