//! Resource usage of a process, from `/proc`.

use std::fmt;
use std::fs;
use std::process;
use std::time::Duration;

use peak_alloc::PeakAlloc;

use crate::Result;

/// Counts allocated octets.
#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Returns the octets allocated in this process.
pub(crate) fn allocated() -> usize {
    ALLOCATOR.current_usage()
}

/// Memory, threads and file descriptors.
#[derive(Clone, Copy)]
pub(crate) struct Figures {
    /// Allocated memory in octets.
    pub(crate) allocated: usize,
    /// Resident memory in octets, including what the allocator keeps in reserve.
    pub(crate) resident: usize,
    /// The peak of resident memory.
    pub(crate) peak: usize,
    pub(crate) threads: usize,
    pub(crate) descriptors: usize,
}

impl Figures {
    /// Reads the figures of a process that has reported its allocated memory.
    pub(crate) fn of(process: u32, allocated: usize) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let value = |name: &str| -> Option<usize> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Ok(Figures {
            allocated,
            resident: value("VmRSS:").ok_or("no VmRSS")? << 10,
            peak: value("VmHWM:").ok_or("no VmHWM")? << 10,
            threads: value("Threads:").ok_or("no Threads")?,
            descriptors: fs::read_dir(format!("/proc/{process}/fd"))?.count(),
        })
    }

    pub(crate) fn own() -> Result<Self> {
        Figures::of(process::id(), allocated())
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kib = self.allocated >> 10;
        write!(f, "{kib:8} {:6.1} {:3} {:3}", mib(self.resident), self.threads, self.descriptors)
    }
}

pub(crate) fn mib(octets: usize) -> f64 {
    octets as f64 / f64::from(1 << 20)
}

/// Returns the processor time used by the other process and this one.
pub(crate) fn cpu_time(process: u32) -> Result<Duration> {
    let ticks = ticks(process)? + ticks(process::id())?;
    // The kernel reports it in units of 10 ms.
    Ok(Duration::from_millis(ticks * 10))
}

fn ticks(process: u32) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field is the name in parentheses, which may contain any characters.
    let (_, rest) = stat.rsplit_once(')').ok_or("no name")?;
    let mut times = rest.split_whitespace().skip(11);
    let mut next = || -> Result<u64> { Ok(times.next().ok_or("no times")?.parse()?) };
    Ok(next()? + next()?)
}
