//! The threads that generate load, and their results.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use h2_sync::client::{Client, Config, Proxies, Versions};
use h2_sync::tls::Connector;

use crate::Result;
use crate::attacks::{self, ATTACKS, Attack};
use crate::child::About;
use crate::gate::Gate;
use crate::honest::{HONEST, Honest, Outcome};
use crate::pattern::Random;
use crate::slow::SLOW;

const HONEST_THREADS: u64 = 16;

/// The threads that flood, and those that attack slowly.
const FLOODING_THREADS: u64 = 3;
const SLOW_THREADS: u64 = 24;

/// The most failures that are printed individually.
const TOLD: u64 = 100;

/// The state shared by all threads.
pub(crate) struct Load {
    pub(crate) gate: Gate,
    pub(crate) about: About,
    pub(crate) connector: Connector,
    /// One client for each version, shared by all threads during the whole run. Each has one
    /// connection to each port.
    clients: [Client; 2],
    honest: Vec<Tally>,
    attacks: Vec<Tally>,
    slow: Vec<Tally>,
    told: AtomicU64,
}

/// The results of one kind of load.
#[derive(Default)]
struct Tally {
    good: AtomicU64,
    bad: AtomicU64,
    given_up: AtomicU64,
}

/// The sums of all results.
pub(crate) struct Sums {
    pub(crate) ok: u64,
    pub(crate) bad: u64,
    pub(crate) given_up: u64,
    pub(crate) attacks: u64,
    pub(crate) cut: u64,
    pub(crate) uncut: u64,
}

impl Load {
    pub(crate) fn new(about: About) -> Result<Arc<Self>> {
        let connector = Connector::with_only_roots(about.certificate.as_bytes())?;
        let client = |versions| {
            let mut config = client_config(&connector, versions);
            config.max_connections_per_origin = 1;
            config.max_http1_connections_per_origin = 1;
            Client::with_config(config)
        };
        let clients = [client(Versions::Http2)?, client(Versions::Http1)?];
        let tallies = |count: usize| (0..count).map(|_| Tally::default()).collect();
        Ok(Arc::new(Load {
            gate: Gate::default(),
            clients,
            about,
            connector,
            honest: tallies(HONEST.len()),
            attacks: tallies(ATTACKS.len()),
            slow: tallies(SLOW.len()),
            told: AtomicU64::new(0),
        }))
    }

    /// Returns one of the shared clients, of either version.
    pub(crate) fn client(&self, random: &mut Random) -> &Client {
        &self.clients[random.below(2)]
    }

    /// Creates a client of either version.
    pub(crate) fn fresh_client(&self, random: &mut Random) -> Result<Client> {
        let versions = [Versions::Http2, Versions::Http1][random.below(2)];
        Ok(Client::with_config(client_config(&self.connector, versions))?)
    }

    /// Returns a URL for a path, with or without TLS.
    pub(crate) fn url(&self, random: &mut Random, path: &str) -> String {
        match random.below(2) {
            0 => format!("http://{}{path}", self.about.plain),
            _ => format!("https://{}{path}", self.about.secure),
        }
    }

    /// Sends small requests over the persistent connections, so that those with large read buffers
    /// shrink them.
    pub(crate) fn wind_down(&self) -> Result {
        let ports = [("http", self.about.plain), ("https", self.about.secure)];
        for client in self.clients.iter().cycle().take(3 * self.clients.len()) {
            for (scheme, address) in ports {
                client.get(format!("{scheme}://{address}/")).send()?.bytes()?;
            }
        }
        Ok(())
    }

    /// The number of connections that stay open when idle: those of each shared client to both
    /// ports.
    pub(crate) fn kept_connections(&self) -> usize {
        2 * self.clients.len()
    }

    pub(crate) fn sums(&self) -> Sums {
        let sum = |tallies: &[&Vec<Tally>], which: fn(&Tally) -> &AtomicU64| {
            let all = tallies.iter().flat_map(|tallies| tallies.iter());
            all.map(|tally| which(tally).load(Ordering::Relaxed)).sum::<u64>()
        };
        let honest = [&self.honest];
        let hostile = [&self.attacks, &self.slow];
        let cut = sum(&hostile, |tally| &tally.good);
        let uncut = sum(&hostile, |tally| &tally.bad);
        Sums {
            ok: sum(&honest, |tally| &tally.good),
            bad: sum(&honest, |tally| &tally.bad),
            given_up: sum(&honest, |tally| &tally.given_up),
            attacks: cut + uncut + sum(&hostile, |tally| &tally.given_up),
            cut,
            uncut,
        }
    }

    pub(crate) fn print_each(&self) {
        println!("\n{:36}{:>10}{:>6}{:>10}", "honest", "ok", "bad", "given up");
        for (honest, tally) in HONEST.iter().zip(&self.honest) {
            println!("{:36}{tally}", honest.name);
        }
        println!("\n{:36}{:>10}{:>6}{:>10}", "hostile", "cut", "uncut", "let be");
        let attacks = ATTACKS.iter().zip(&self.attacks).chain(SLOW.iter().zip(&self.slow));
        for (attack, tally) in attacks {
            println!("{:36}{tally}", attack.name);
        }
    }

    fn tell(&self, what: &str) {
        if self.told.fetch_add(1, Ordering::Relaxed) < TOLD {
            eprintln!("{what}");
        }
    }
}

fn client_config(connector: &Connector, versions: Versions) -> Config {
    let mut config = Config::default();
    config.proxies = Proxies::Never;
    config.versions = versions;
    config.tls = Some(connector.clone());
    // Refused requests must be visible, not retried.
    config.max_retries = 0;
    config
}

/// Starts all threads. They wait at the gate.
pub(crate) fn start(load: &Arc<Load>) -> Vec<JoinHandle<()>> {
    let spawn = |work: fn(&Load, Random), seed: u64| {
        let load = Arc::clone(load);
        thread::spawn(move || work(&load, Random::new(seed)))
    };
    let honest = (0..HONEST_THREADS).map(|seed| spawn(be_honest, seed));
    let flooding = (0..FLOODING_THREADS).map(|seed| spawn(flood, 1_000 + seed));
    let slow = (0..SLOW_THREADS).map(|seed| spawn(be_slow, 2_000 + seed));
    honest.chain(flooding).chain(slow).collect()
}

fn be_honest(load: &Load, mut random: Random) {
    let weights = HONEST.iter().map(|honest| honest.weight).sum();
    while let Some(_inside) = load.gate.enter() {
        let mut left = random.below(weights);
        let chosen = HONEST.iter().zip(&load.honest).find(|(honest, _)| {
            let is_it = left < honest.weight;
            left = left.saturating_sub(honest.weight);
            is_it
        });
        // Not reached: `chosen` is below the sum of the weights.
        let Some((Honest { name, run, .. }, tally)) = chosen else { return };
        let which = match run(load, &mut random) {
            Ok(Outcome::Right) => &tally.good,
            Ok(Outcome::GivenUp) => &tally.given_up,
            Err(error) => {
                load.tell(&format!("{name}: {error}"));
                &tally.bad
            }
        };
        which.fetch_add(1, Ordering::Relaxed);
    }
}

fn flood(load: &Load, random: Random) {
    attack(load, random, ATTACKS, &load.attacks);
}

fn be_slow(load: &Load, random: Random) {
    attack(load, random, SLOW, &load.slow);
}

fn attack(load: &Load, mut random: Random, attacks: &[Attack], tallies: &[Tally]) {
    while let Some(_inside) = load.gate.enter() {
        let chosen = random.below(attacks.len());
        let (attack, tally) = (&attacks[chosen], &tallies[chosen]);
        let which = match attacks::run(attack, load, &mut random) {
            Some(true) => &tally.good,
            None => &tally.given_up,
            Some(false) => {
                load.tell(&format!("{}: the server did not cut it", attack.name));
                &tally.bad
            }
        };
        which.fetch_add(1, Ordering::Relaxed);
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [good, bad, given_up] =
            [&self.good, &self.bad, &self.given_up].map(|count| count.load(Ordering::Relaxed));
        write!(f, "{good:10}{bad:6}{given_up:10}")
    }
}
