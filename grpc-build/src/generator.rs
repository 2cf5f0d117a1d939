//! The code of a service.

use std::fmt::Write;

use prost_build::{Comments, Method, Service, ServiceGenerator};

use crate::descriptors;
use crate::names::Names;

/// The parts to generate, and the paths that they refer to.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) client: bool,
    pub(crate) server: bool,
    /// The path of the runtime.
    pub(crate) runtime: String,
    /// The path of a codec other than that of the runtime.
    pub(crate) codec: Option<String>,
}

pub(crate) struct Generator {
    parts: Parts,
    /// Whether servers include the descriptor file of their package.
    has_descriptors: bool,
    names: Names,
}

/// The four kinds of method.
#[derive(Clone, Copy)]
enum Kind {
    Unary,
    ServerStreaming,
    ClientStreaming,
    Bidirectional,
}

impl Kind {
    fn of(method: &Method) -> Self {
        match (method.client_streaming, method.server_streaming) {
            (false, false) => Kind::Unary,
            (false, true) => Kind::ServerStreaming,
            (true, false) => Kind::ClientStreaming,
            (true, true) => Kind::Bidirectional,
        }
    }

    /// Returns the method of the runtime for this kind of call.
    fn name(self) -> &'static str {
        match self {
            Kind::Unary => "unary",
            Kind::ServerStreaming => "server_streaming",
            Kind::ClientStreaming => "client_streaming",
            Kind::Bidirectional => "bidirectional",
        }
    }

    /// Returns the arguments of a trait's method after the context.
    fn arguments(self) -> &'static str {
        match self {
            Kind::Unary => "request",
            Kind::ServerStreaming => "request, replies",
            Kind::ClientStreaming => "requests",
            Kind::Bidirectional => "requests, replies",
        }
    }
}

impl Generator {
    pub(crate) fn new(parts: Parts, has_descriptors: bool, names: Names) -> Self {
        Generator { parts, has_descriptors, names }
    }

    fn codec(&self) -> String {
        let runtime = &self.parts.runtime;
        self.parts.codec.clone().unwrap_or_else(|| format!("{runtime}::Prost"))
    }

    /// Returns the name of a generated type. The trait has no suffix.
    fn name(&self, service: &Service, suffix: &str) -> String {
        self.names.free(&service.package, format!("{}{suffix}", service.name))
    }

    /// Generates the trait that a server implements.
    fn service_trait(&self, service: &Service) -> String {
        let runtime = &self.parts.runtime;
        let mut code = docs(&service.comments, 0, "The service.");
        // A message may have the name of a prelude trait.
        push(
            &mut code,
            format_args!(
                "#[allow(dead_code, clippy::all)]
                pub trait {}: ::core::marker::Send + ::core::marker::Sync + 'static {{",
                self.name(service, ""),
            ),
        );
        for method in &service.methods {
            let (input, output) = (&method.input_type, &method.output_type);
            let receiver = format!("requests: &mut {runtime}::server::Receiver<'_, {input}>,");
            let sender = format!("replies: &mut {runtime}::server::Sender<'_, {output}>,");
            let (arguments, result) = match Kind::of(method) {
                Kind::Unary => (format!("request: {input},"), output.as_str()),
                Kind::ServerStreaming => (format!("request: {input}, {sender}"), "()"),
                Kind::ClientStreaming => (receiver, output.as_str()),
                Kind::Bidirectional => (format!("{receiver} {sender}"), "()"),
            };
            code.push_str(&docs(&method.comments, 1, "A method."));
            push(
                &mut code,
                format_args!(
                    "fn {name}(&self, cx: &{runtime}::server::Context, {arguments}) \
                     -> ::core::result::Result<{result}, {runtime}::Status>;",
                    name = method.name,
                ),
            );
        }
        code.push_str("}\n");
        code
    }

    /// Generates the type that serves an implementation of the trait.
    fn server(&self, service: &Service) -> String {
        let (runtime, codec, name) = (&self.parts.runtime, self.codec(), self.name(service, ""));
        let server = self.name(service, "Server");
        let full_name = full_name(service);
        let mut arms = String::new();
        for method in &service.methods {
            let (kind, arguments) = (Kind::of(method).name(), Kind::of(method).arguments());
            push(
                &mut arms,
                format_args!(
                    "{proto:?} => call.{kind}({codec}, |cx, {arguments}| {{
                        <S as {name}>::{method}(&self.service, cx, {arguments})
                    }}),",
                    proto = method.proto_name,
                    method = method.name,
                ),
            );
        }
        let descriptors = if self.has_descriptors {
            let file = descriptors::file_name(&service.package);
            format!("fn descriptors(&self) -> &'static [u8] {{ include_bytes!({file:?}) }}")
        } else {
            String::new()
        };
        format!(
            "/// Serves a [`{name}`].
            #[allow(dead_code, clippy::all)]
            #[derive(Debug)]
            pub struct {server}<S> {{
                service: ::std::sync::Arc<S>,
            }}

            #[allow(dead_code, clippy::all)]
            impl<S: {name}> {server}<S> {{
                /// Creates the service, for
                /// [`Services::service`]({runtime}::server::Services::service).
                pub fn new(service: S) -> Self {{
                    Self::shared(::std::sync::Arc::new(service))
                }}

                /// Creates the service from an implementation that is shared with other code.
                pub fn shared(service: ::std::sync::Arc<S>) -> Self {{
                    Self {{ service }}
                }}
            }}

            impl<S: {name}> {runtime}::server::Service for {server}<S> {{
                fn name(&self) -> &'static str {{
                    {full_name:?}
                }}

                fn call(
                    &self,
                    call: {runtime}::server::Call<'_>,
                ) -> ::core::result::Result<(), {runtime}::Status> {{
                    match call.method() {{
                        {arms}
                        _ => call.unimplemented(),
                    }}
                }}

                {descriptors}
            }}
            "
        )
    }

    /// Generates the client of the service.
    fn client(&self, service: &Service) -> String {
        let (runtime, codec) = (&self.parts.runtime, self.codec());
        let name = self.name(service, "Client");
        let mut methods = String::new();
        for method in &service.methods {
            let kind = Kind::of(method);
            let (input, output) = (&method.input_type, &method.output_type);
            let path = format!("/{}/{}", full_name(service), method.proto_name);
            let sender = format!("{runtime}::client::Sender<{input}>");
            let receiver = format!("{runtime}::client::Receiver<{output}>");
            let result = match kind {
                Kind::Unary => format!("{runtime}::client::Response<{output}>"),
                Kind::ServerStreaming => receiver,
                Kind::ClientStreaming => format!("({sender}, {runtime}::client::Reply<{output}>)"),
                Kind::Bidirectional => format!("({sender}, {receiver})"),
            };
            let (parameter, argument) = match kind {
                Kind::Unary | Kind::ServerStreaming => {
                    (format!(", request: &{input}"), ", request")
                }
                Kind::ClientStreaming | Kind::Bidirectional => (String::new(), ""),
            };
            methods.push_str(&docs(&method.comments, 1, "Calls a method."));
            push(
                &mut methods,
                format_args!(
                    "pub fn {method}(&self{parameter}) \
                     -> ::core::result::Result<{result}, {runtime}::Status> {{
                        self.stub.{kind}({codec}, {path:?}{argument})
                    }}\n",
                    method = client_name(&method.name),
                    kind = kind.name(),
                ),
            );
        }
        let docs = docs(&service.comments, 0, "Calls the service.");
        format!(
            "{docs}#[allow(dead_code, clippy::all)]
            #[derive(Debug, Clone)]
            pub struct {name} {{
                stub: {runtime}::client::Stub,
            }}

            #[allow(dead_code, clippy::all)]
            impl {name} {{
                /// Creates a client that uses this channel.
                pub fn new(channel: &{runtime}::client::Channel) -> Self {{
                    Self {{ stub: {runtime}::client::Stub::new(channel) }}
                }}

                /// Returns a client with these options for its calls instead of those of the
                /// channel.
                #[must_use]
                pub fn with(&self, options: {runtime}::client::CallOptions) -> Self {{
                    Self {{ stub: self.stub.with(options) }}
                }}

                {methods}
            }}
            "
        )
    }
}

impl ServiceGenerator for Generator {
    fn generate(&mut self, service: Service, code: &mut String) {
        if self.parts.server {
            code.push_str(&self.service_trait(&service));
            code.push_str(&self.server(&service));
        }
        if self.parts.client {
            code.push_str(&self.client(&service));
        }
    }
}

/// Returns the name of a client's method. Each client has two functions of its own, `new` and
/// `with`.
fn client_name(method: &str) -> String {
    match method {
        "new" | "with" => format!("{method}_"),
        _ => method.to_owned(),
    }
}

/// Returns the name of a service with its package.
fn full_name(service: &Service) -> String {
    match service.package.as_str() {
        "" => service.proto_name.clone(),
        package => format!("{package}.{}", service.proto_name),
    }
}

/// Returns the comments of the file as documentation, or a default if there are none.
fn docs(comments: &Comments, indent: u8, otherwise: &str) -> String {
    let mut docs = String::new();
    if comments.leading.is_empty() && comments.trailing.is_empty() {
        push(&mut docs, format_args!("/// {otherwise}"));
    } else {
        comments.append_with_indent(indent, &mut docs);
    }
    docs
}

fn push(code: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(code, "{line}");
}
