//! Server reflection: the list of a server's services and their types, for tools such as grpcurl.
//!
//! It is added by [`Services::with_reflection`](crate::server::Services::with_reflection).

mod index;
mod messages;

use std::sync::Arc;

use crate::code::Code;
use crate::codec::Prost;
use crate::server::{Call, Context, Receiver, Sender, Service};
use crate::status::Status;
use index::Index;
use messages::{
    Answer, Extension, ExtensionNumbers, Failure, Files, Question, Request, Response, ServiceList,
    ServiceName,
};

/// The names of the service with their descriptors. Tools use either name.
const VERSIONS: [(&str, &[u8]); 2] = [
    ("grpc.reflection.v1.ServerReflection", include_bytes!("descriptors.bin")),
    ("grpc.reflection.v1alpha.ServerReflection", include_bytes!("descriptors_v1alpha.bin")),
];

/// The content of reflection.
#[derive(Debug)]
struct Known {
    index: Index,
    services: Vec<String>,
}

/// The service under one of its names.
#[derive(Debug)]
pub(crate) struct Reflection {
    name: &'static str,
    known: Arc<Known>,
}

impl Reflection {
    /// Creates the reflection service under each of its names, for the given services and itself.
    pub(crate) fn of<'a>(services: impl Iterator<Item = &'a dyn Service>) -> Vec<Self> {
        let mut index = Index::default();
        let mut names = Vec::new();
        let services = services.map(|service| (service.name(), service.descriptors()));
        for (name, descriptors) in services.chain(VERSIONS) {
            names.push(name.to_owned());
            if let Err(status) = index.add(descriptors) {
                log::error!("no reflection for {name}: {status}");
            }
        }
        names.sort();
        names.dedup();
        let known = Arc::new(Known { index, services: names });
        let version = |(name, _)| Reflection { name, known: Arc::clone(&known) };
        VERSIONS.into_iter().map(version).collect()
    }

    fn converse(
        &self,
        requests: &mut Receiver<'_, Request>,
        replies: &mut Sender<'_, Response>,
    ) -> Result<(), Status> {
        for request in requests {
            let request = request?;
            replies.send(&Response {
                valid_host: request.host.clone(),
                answer: Some(self.known.answer(request.question.as_ref())),
                original_request: Some(request),
            })?;
        }
        Ok(())
    }
}

impl Service for Reflection {
    fn name(&self) -> &'static str {
        self.name
    }

    fn call(&self, call: Call<'_>) -> Result<(), Status> {
        match call.method() {
            "ServerReflectionInfo" => call
                .bidirectional(Prost, |_: &Context, requests, replies| {
                    self.converse(requests, replies)
                }),
            _ => call.unimplemented(),
        }
    }
}

impl Known {
    fn answer(&self, question: Option<&Question>) -> Answer {
        let files = |found: Option<Vec<bytes::Bytes>>, what: String| match found {
            Some(file_descriptor_proto) => Answer::Files(Files { file_descriptor_proto }),
            None => failure(Code::NotFound, format!("unknown: {what}")),
        };
        match question {
            Some(Question::FileByFilename(name)) => {
                files(self.index.file(name), format!("the file {name:?}"))
            }
            Some(Question::FileContainingSymbol(symbol)) => {
                files(self.index.file_of_symbol(symbol), format!("the symbol {symbol:?}"))
            }
            Some(Question::FileContainingExtension(Extension { containing_type, number })) => {
                let found = self.index.file_of_extension(containing_type, *number);
                files(found, format!("the extension {number} of {containing_type:?}"))
            }
            Some(Question::AllExtensionNumbersOfType(name)) => {
                match self.index.extension_numbers(name) {
                    Some(extension_number) => Answer::ExtensionNumbers(ExtensionNumbers {
                        base_type_name: name.clone(),
                        extension_number,
                    }),
                    None => failure(Code::NotFound, format!("unknown type {name:?}")),
                }
            }
            Some(Question::ListServices(_)) => {
                let names = self.services.iter().cloned();
                let service = names.map(|name| ServiceName { name }).collect();
                Answer::Services(ServiceList { service })
            }
            None => failure(Code::InvalidArgument, "message_request is missing".to_owned()),
        }
    }
}

fn failure(code: Code, error_message: String) -> Answer {
    Answer::Error(Failure { error_code: code as i32, error_message })
}
