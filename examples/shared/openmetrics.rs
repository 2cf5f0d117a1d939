//! Statistics of a server and a client as text for a monitor, in the format of OpenMetrics 1.0.

use std::fmt::{Display, Write};

use h2_sync::{Histogram, client, server};

/// The media type of the text.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Returns the metrics of a server, and of a client if there is one.
pub(crate) fn text(server: &server::Stats, client: Option<&client::Stats>) -> String {
    let mut text = Text::default();
    text.server(server);
    if let Some(client) = client {
        text.client(client);
    }
    text.0 + "# EOF\n"
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn server(&mut self, stats: &server::Stats) {
        let (http1, http2) = (&stats.http1, &stats.http2);
        let protocols = [r#"protocol="http/1.1""#, r#"protocol="http/2""#];
        let of_both = |http1: u64, http2: u64| protocols.into_iter().zip([http1, http2]);

        self.gauge("http_connections", "Open connections, with those in their handshake.");
        let open = http1.connections_open + http2.connections_open;
        let opening = stats.connections.saturating_sub(open);
        let open = of_both(http1.connections_open as u64, http2.connections_open as u64);
        self.samples("http_connections", open.chain([(r#"protocol="""#, opening as u64)]));
        self.counter("http_connections_accepted", "Connections accepted.");
        self.sample("http_connections_accepted_total", stats.connections_accepted);
        self.counter("http_connections_opened", "Connections that have begun to carry requests.");
        self.samples(
            "http_connections_opened_total",
            of_both(http1.connections, http2.connections),
        );
        self.counter("http_connections_failed", "Connections that ended before a request.");
        self.sample("http_connections_failed_total", stats.connections_failed);
        self.counter("http_accept_errors", "Errors of accept.");
        self.sample("http_accept_errors_total", stats.accept_errors);

        self.counter("http_requests", "Requests whose handler was called.");
        self.sample("http_requests_total", stats.requests);
        self.counter("http_requests_refused", "Requests refused for lack of a permit.");
        self.sample("http_requests_refused_total", stats.requests_refused);
        self.gauge("http_requests_open", "Requests without a complete response.");
        self.sample("http_requests_open", stats.requests_open);
        self.histogram(
            "http_request_queue_seconds",
            "Time from the arrival of a request to the call of its handler.",
            &stats.queue_time,
        );
        self.gauge("http_handlers_running", "Running handlers.");
        self.sample("http_handlers_running", stats.handlers_running);
        self.counter("http_handlers_ended_badly", "Handlers that did not return a response.");
        let ends = [
            (r#"end="failed""#, stats.handlers_failed),
            (r#"end="panicked""#, stats.handlers_panicked),
            (r#"end="timed_out""#, stats.handlers_timed_out),
        ];
        self.samples("http_handlers_ended_badly_total", ends);
        self.counter("http_leaders_replaced", "Leaders replaced since their handler was slow.");
        self.sample("http_leaders_replaced_total", stats.leaders_replaced);
        self.gauge("http_threads", "Threads of the server.");
        self.sample("http_threads", stats.threads);

        self.counter("http_received_bytes", "Octets received.");
        let octets = of_both(http1.octets_received, http2.octets_received);
        self.samples("http_received_bytes_total", octets);
        self.counter("http_sent_bytes", "Octets sent.");
        self.samples("http_sent_bytes_total", of_both(http1.octets_sent, http2.octets_sent));

        self.gauge("http2_streams_open", "Open streams.");
        self.sample("http2_streams_open", http2.streams_open);
        self.counter("http2_streams", "Streams that clients have opened.");
        self.sample("http2_streams_total", http2.streams);
        self.counter("http2_streams_refused", "Streams refused because of a limit.");
        self.sample("http2_streams_refused_total", http2.streams_refused);
        self.counter("http2_resets", "RST_STREAM frames by the side that sent them.");
        let resets =
            [(r#"by="client""#, http2.resets_received), (r#"by="server""#, http2.resets_sent)];
        self.samples("http2_resets_total", resets);
        self.counter("http2_window_stall_seconds", "Time that DATA has waited for a window.");
        let seconds = http2.blocked_on_windows.as_secs_f64();
        self.sample("http2_window_stall_seconds_total", seconds);
        self.counter("http2_budgets_exhausted", "Connections ended for an exhausted budget.");
        for (budget, count) in http2.budgets_exhausted() {
            let label = format!("budget=\"{budget}\"");
            self.samples("http2_budgets_exhausted_total", [(label.as_str(), count)]);
        }
    }

    fn client(&mut self, stats: &client::Stats) {
        self.gauge("http_client_connections", "Connections by state.");
        let states = [
            (r#"state="active""#, stats.connections_active),
            (r#"state="idle""#, stats.connections_idle),
            (r#"state="suspect""#, stats.connections_suspect),
            (r#"state="draining""#, stats.connections_draining),
            (r#"state="connecting""#, stats.attempts_running),
        ];
        self.samples("http_client_connections", states);
        self.counter("http_client_attempts", "Connection attempts.");
        self.sample("http_client_attempts_total", stats.attempts);
        self.counter("http_client_attempts_failed", "Connection attempts that have failed.");
        self.sample("http_client_attempts_failed_total", stats.attempts_failed);
        self.gauge("http_client_requests_waiting", "Requests that wait for a stream.");
        self.sample("http_client_requests_waiting", stats.requests_waiting);
        self.histogram(
            "http_client_wait_seconds",
            "Time that requests have waited for a connection with a free stream.",
            &stats.wait_time,
        );
        self.counter("http_client_requests", "Requests.");
        self.sample("http_client_requests_total", stats.requests);
        self.counter("http_client_retries", "Times that a request was sent again.");
        self.sample("http_client_retries_total", stats.retries);
        self.counter("http_client_requests_failed", "Requests without a response.");
        self.sample("http_client_requests_failed_total", stats.requests_failed);
    }

    fn gauge(&mut self, name: &str, help: &str) {
        self.family(name, "gauge", help);
    }

    /// The samples of a counter have the suffix `_total`.
    fn counter(&mut self, name: &str, help: &str) {
        self.family(name, "counter", help);
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.family(name, "histogram", help);
        for (bound, count) in histogram.buckets() {
            let bound = bound.map_or("+Inf".to_owned(), |bound| bound.as_secs_f64().to_string());
            let label = format!("le=\"{bound}\"");
            self.samples(&format!("{name}_bucket"), [(label.as_str(), count)]);
        }
        self.sample(&format!("{name}_count"), histogram.count());
        self.sample(&format!("{name}_sum"), histogram.sum().as_secs_f64());
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a `String` does not fail.
        let _ = writeln!(self.0, "# TYPE {name} {kind}\n# HELP {name} {help}");
    }

    fn sample(&mut self, name: &str, value: impl Display) {
        let _ = writeln!(self.0, "{name} {value}");
    }

    fn samples<'a, V: Display>(
        &mut self,
        name: &str,
        samples: impl IntoIterator<Item = (&'a str, V)>,
    ) {
        for (labels, value) in samples {
            let _ = writeln!(self.0, "{name}{{{labels}}} {value}");
        }
    }
}
