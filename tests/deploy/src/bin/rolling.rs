//! Restarts servers under load, time after time, and prints a table.
//!
//! ```text
//! rolling BACKEND [MINUTES] [haproxy | hand-over]
//! ```
//!
//! By default, two processes behind HAProxy are restarted in turn. With `hand-over`, one process hands
//! its socket over to a successor.

use std::error::Error;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use h2_sync_deploy::chain::Chain;
use h2_sync_deploy::fleet::Pair;
use h2_sync_deploy::load::{Target, under_load};

/// The time between two restarts.
const CALM: Duration = Duration::from_secs(2);

/// Restarts the process with this number. Returns whether it has cut no request.
type Restart = Box<dyn FnMut(usize) -> io::Result<bool>>;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let backend = args.next().ok_or("usage: rolling BACKEND [MINUTES]")?;
    let minutes: f64 = args.next().map_or(Ok(10.0), |minutes| minutes.parse())?;
    let time = Duration::try_from_secs_f64(minutes * 60.0)?;
    let (target, mut restart) = match args.next().as_deref() {
        None | Some("haproxy") => behind_haproxy(Path::new(&backend))?,
        Some("hand-over") => hand_over(Path::new(&backend))?,
        Some(other) => return Err(format!("neither haproxy nor hand-over: {other}").into()),
    };
    let (began, mut restarts, mut cut) = (Instant::now(), 0, 0);
    let mut failed = None;
    let reports = under_load(&target, || {
        while began.elapsed() < time && failed.is_none() {
            thread::sleep(CALM);
            match restart(restarts) {
                Ok(is_clean) => cut += usize::from(!is_clean),
                Err(error) => failed = Some(error),
            }
            restarts += 1;
        }
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    println!("{restarts} restarts in {:.0?}, {cut} of them cut requests\n", began.elapsed());
    println!("| kind      |  requests | errors | longest pause |\n| --- | ---: | ---: | ---: |");
    reports.iter().for_each(|report| println!("{report}"));
    let errors: Vec<_> = reports.iter().flat_map(|report| &report.errors).collect();
    errors.iter().take(20).for_each(|error| println!("{error}"));
    Ok(if errors.is_empty() && cut == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn behind_haproxy(backend: &Path) -> Result<(Target, Restart), Box<dyn Error>> {
    let pair = Pair::behind_haproxy(backend)?;
    let mut pair = pair.ok_or("haproxy is not installed")?;
    Ok((Target::all(pair.front), Box::new(move |number| pair.restart(number % 2))))
}

fn hand_over(backend: &Path) -> Result<(Target, Restart), Box<dyn Error>> {
    let mut chain = Chain::start(backend)?;
    Ok((Target::all(chain.address), Box::new(move |_| chain.hand_over())))
}
