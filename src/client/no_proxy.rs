//! Hosts that are reached without a proxy.

use std::net::IpAddr;

use ipnet::IpNet;

use super::origin::bare_host;

/// Hosts that are reached without a proxy, in the syntax of the variable `no_proxy`.
///
/// Entries are separated by commas or spaces:
///
/// | entry | covers |
/// | --- | --- |
/// | `example.com`, `.example.com`, `*.example.com` | the host and its subdomains |
/// | `192.168.1.1`, `::1`, `[::1]` | the address |
/// | `10.0.0.0/8`, `fd00::/8` | the addresses of a network |
/// | any of the above with `:8080` | that port only; IPv6 in brackets |
/// | `*` | every host |
///
/// Case and a trailing dot of a host are ignored. An invalid entry covers nothing.
///
/// [`parse`](Self::parse) has an example.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoProxy {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    All,
    Network(IpNet),
    /// In lower case; covers subdomains too.
    Name(String),
}

impl NoProxy {
    /// Parses a list of hosts.
    ///
    /// ```
    /// use h2_sync::client::{Config, NoProxy, Proxies, Proxy};
    ///
    /// let direct = NoProxy::parse("localhost, 10.0.0.0/8, *.example.com, [::1]:8080");
    /// let mut config = Config::default();
    /// config.proxies = Proxies::AllBut(Proxy::parse("http://proxy:3128")?, direct);
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn parse(list: &str) -> Self {
        let entries = list.split([',', ' ', '\t', '\n', '\r']).filter_map(Entry::parse);
        NoProxy { entries: entries.collect() }
    }

    /// Whether the list covers a host, given without brackets.
    pub(super) fn covers(&self, host: &str, port: u16) -> bool {
        let address = host.parse::<IpAddr>().ok();
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.entries.iter().any(|entry| {
            entry.port.is_none_or(|own| own == port)
                && match (&entry.hosts, address) {
                    (Hosts::All, _) => true,
                    (Hosts::Network(network), Some(address)) => network.contains(&address),
                    (Hosts::Name(name), None) => {
                        let front = host.strip_suffix(name.as_str());
                        front.is_some_and(|front| front.is_empty() || front.ends_with('.'))
                    }
                    _ => false,
                }
        })
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if let Some(hosts) = Hosts::parse(text) {
            return Some(Entry { hosts, port: None });
        }
        let (host, port) = text.rsplit_once(':')?;
        Some(Entry { hosts: Hosts::parse(host)?, port: Some(port.parse().ok()?) })
    }
}

impl Hosts {
    fn parse(text: &str) -> Option<Self> {
        let text = bare_host(text);
        if text == "*" {
            return Some(Hosts::All);
        }
        if let Ok(network) = text.parse::<IpNet>() {
            return Some(Hosts::Network(network));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Hosts::Network(address.into()));
        }
        let name = text.strip_prefix('*').unwrap_or(text).trim_matches('.').to_ascii_lowercase();
        let is_name = !name.is_empty() && !name.contains([':', '/', '*']);
        is_name.then_some(Hosts::Name(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(list: &str, host: &str, port: u16) -> bool {
        NoProxy::parse(list).covers(host, port)
    }

    #[test]
    fn name_covers_its_subdomains_in_each_notation() {
        for entry in
            ["example.com", ".example.com", "*.example.com", "Example.COM.", "x, example.com"]
        {
            for host in ["example.com", "a.example.com", "A.B.Example.Com", "example.com."] {
                assert!(covers(entry, host, 80), "{entry} {host}");
            }
            assert!(!covers(entry, "badexample.com", 80), "{entry}");
        }
    }

    #[test]
    fn networks_and_addresses_cover_addresses() {
        assert!(covers("10.0.0.0/8", "10.1.2.3", 80) && !covers("10.0.0.0/8", "11.1.2.3", 80));
        assert!(covers("fd00::/8", "fd12::1", 80) && !covers("fd00::/8", "fe80::1", 80));
        assert!(covers("[::1]", "::1", 80) && covers("::1", "0:0::1", 80));
        assert!(covers("127.0.0.1 192.168.0.0/16", "192.168.3.4", 80));
    }

    #[test]
    fn port_restricts_an_entry() {
        for (entry, host) in [
            ("a.example:8080", "a.example"),
            ("[::1]:8080", "::1"),
            ("10.0.0.0/8:8080", "10.0.0.1"),
            ("*:8080", "b"),
        ] {
            assert!(covers(entry, host, 8080), "{entry}");
            assert!(!covers(entry, host, 8081), "{entry}");
        }
    }

    #[test]
    fn entries_that_mean_nothing_cover_nothing() {
        for entry in ["", ",, ,", "10.0.0.0/99", "a*b", "a:b"] {
            assert!(!covers(entry, "10.0.0.1", 80) && !covers(entry, "a", 80), "{entry:?}");
        }
        assert!(covers("*", "whatever", 1));
    }
}
