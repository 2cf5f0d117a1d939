//! Limits of the process that a configuration may exceed.

use super::config::Config;

/// Descriptors of a process besides its connections: listeners, files, the log.
const OTHER_DESCRIPTORS: u64 = 64;

/// The limits of the process; `None` for no limit, or for one that is unknown.
#[derive(Debug, Clone, Copy, Default)]
struct Limits {
    descriptors: Option<u64>,
    /// Threads of the user, or of the control group.
    threads: Option<u64>,
    address_space: Option<u64>,
}

/// Logs the limits that a server with this configuration may reach, once in the life of a process.
#[cfg(unix)]
pub(super) fn check(config: &Config) {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        for line in shortages(config, Limits::of_process()) {
            crate::logging::warn!("{line}");
        }
    });
}

#[cfg(not(unix))]
pub(super) fn check(_: &Config) {}

/// Describes each limit that is too low, and what to change.
fn shortages(config: &Config, limits: Limits) -> Vec<String> {
    let connections = config.max_connections as u64;
    // A connection has a thread of its own, on Linux unless it is idle.
    let threads = connections.saturating_add(config.max_handlers as u64);
    let stacks = threads.saturating_mul(config.stack_size as u64);
    let needs = [
        (
            "descriptors",
            limits.descriptors,
            connections.saturating_add(OTHER_DESCRIPTORS),
            "ulimit -n, or LimitNOFILE of systemd",
        ),
        ("threads", limits.threads, threads, "ulimit -u, pids.max, or TasksMax of systemd"),
        (
            "octets of address space",
            limits.address_space,
            stacks,
            "ulimit -v, or lower Config::stack_size",
        ),
    ];
    let line = |(what, limit, need, remedy): (_, Option<u64>, _, _)| {
        let limit = limit.filter(|limit| *limit < need)?;
        Some(format!(
            "{connections} connections (max_connections) may need {need} {what}, the limit is \
             {limit}: raise it ({remedy}), or lower max_connections"
        ))
    };
    needs.into_iter().filter_map(line).collect()
}

#[cfg(unix)]
impl Limits {
    fn of_process() -> Self {
        use rustix::process::{Resource, getrlimit};

        let of_user = getrlimit(Resource::Nproc).current;
        let of_group = threads_of_group();
        Limits {
            descriptors: getrlimit(Resource::Nofile).current,
            threads: of_user.into_iter().chain(of_group).min(),
            address_space: getrlimit(Resource::As).current,
        }
    }
}

/// Returns the least `pids.max` of the control group of this process and those above it (cgroup
/// version 2).
#[cfg(unix)]
fn threads_of_group() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let folders = std::path::Path::new("/sys/fs/cgroup").join(path);
    let most = |folder: &std::path::Path| {
        std::fs::read_to_string(folder.join("pids.max")).ok()?.trim().parse().ok()
    };
    folders.ancestors().take_while(|it| it.starts_with("/sys/fs/cgroup")).filter_map(most).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sufficient_limits_are_not_logged() {
        let config = Config::default();
        assert_eq!(shortages(&config, Limits::default()), [] as [String; 0]);
        let threads = (config.max_connections + config.max_handlers) as u64;
        let limits = Limits {
            descriptors: Some(config.max_connections as u64 + OTHER_DESCRIPTORS),
            threads: Some(threads),
            address_space: Some(threads * config.stack_size as u64),
        };
        assert_eq!(shortages(&config, limits), [] as [String; 0]);
    }

    #[test]
    fn a_limit_that_is_too_low_is_logged_with_its_remedy() {
        let config = Config::default();
        let limits = [
            (Limits { descriptors: Some(1_024), ..Limits::default() }, "LimitNOFILE"),
            (Limits { threads: Some(4_096), ..Limits::default() }, "TasksMax"),
            (Limits { address_space: Some(1 << 30), ..Limits::default() }, "stack_size"),
        ];
        for (limits, remedy) in limits {
            let lines = shortages(&config, limits);
            assert!(lines.len() == 1 && lines[0].contains(remedy), "{lines:?}");
            assert!(lines[0].starts_with("10000 connections"), "{lines:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn limit_of_descriptors_of_this_process_is_found() {
        let output = std::process::Command::new("sh").args(["-c", "ulimit -n"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(Limits::of_process().descriptors, text.trim().parse().ok());
    }
}
