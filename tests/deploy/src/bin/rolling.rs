//! Restarts two processes behind HAProxy under load, in turns, and prints a table.
//!
//! ```text
//! rolling BACKEND [MINUTES]
//! ```

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use h2_sync_deploy::fleet::Pair;
use h2_sync_deploy::load::{under_load, Target};

/// The time between two restarts.
const CALM: Duration = Duration::from_secs(2);

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let backend = args.next().ok_or("usage: rolling BACKEND [MINUTES]")?;
    let minutes: f64 = args.next().map_or(Ok(10.0), |minutes| minutes.parse())?;
    let time = Duration::try_from_secs_f64(minutes * 60.0)?;
    let Some(mut pair) = Pair::behind_haproxy(Path::new(&backend))? else {
        return Err("haproxy is not installed".into());
    };
    let target = Target::all(pair.front);
    let (began, mut restarts, mut cut) = (Instant::now(), 0, 0);
    let mut failed = None;
    let reports = under_load(&target, || {
        while began.elapsed() < time && failed.is_none() {
            thread::sleep(CALM);
            match pair.restart(restarts % 2) {
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
