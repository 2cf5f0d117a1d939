//! Calls to services of every shape, and what reflection tells of them.

use h2_sync::server::{Handle, Server};
use h2_sync_grpc::client::{Channel, Stub};
use h2_sync_grpc::health::Health;
use h2_sync_grpc::prost::Message;
use h2_sync_grpc::prost_types::{Any, Duration, FileDescriptorProto, Struct, Timestamp};
use h2_sync_grpc::server::{Context, Receiver, Sender, Services};
use h2_sync_grpc::{Prost, Status};
use h2_sync_grpc_interop::bounded;
use h2_sync_grpc_interop::shapes::h2sync::shapes::api::v1 as api;
use h2_sync_grpc_interop::shapes::h2sync::shapes::common::Outer;
use h2_sync_grpc_interop::shapes::h2sync::shapes::common::outer::{Choice, Inner};
use h2_sync_grpc_interop::shapes::h2sync::shapes::r#type as keywords;
use h2_sync_grpc_interop::shapes::{Bare, BareClient, BareServer, Unpackaged};

struct All;

impl api::Shapes for All {
    fn imported(
        &self,
        _: &Context,
        requests: &mut Receiver<'_, Inner>,
        replies: &mut Sender<'_, Outer>,
    ) -> Result<(), Status> {
        requests.try_for_each(|inner| {
            let choice = Some(Choice::Inner(inner?));
            replies.send(&Outer { choice, ..Outer::default() })
        })
    }

    fn keyword(
        &self,
        _: &Context,
        request: keywords::Type,
        replies: &mut Sender<'_, keywords::Type>,
    ) -> Result<(), Status> {
        replies.send(&request)
    }

    fn empty(&self, _: &Context, (): ()) -> Result<(), Status> {
        Ok(())
    }

    fn wrapped(
        &self,
        _: &Context,
        request: String,
        replies: &mut Sender<'_, u32>,
    ) -> Result<(), Status> {
        request.chars().try_for_each(|letter| replies.send(&u32::from(letter)))
    }

    fn times(&self, _: &Context, times: &mut Receiver<'_, Timestamp>) -> Result<Duration, Status> {
        let mut sum = Duration::default();
        for time in times {
            sum.seconds += time?.seconds;
        }
        Ok(sum)
    }

    fn anything(&self, _: &Context, request: Any) -> Result<Struct, Status> {
        let decoded = Struct::decode(&*request.value);
        decoded.map_err(|error| Status::invalid_argument(error.to_string()))
    }

    fn all_known(&self, _: &Context, request: api::Known) -> Result<api::Known, Status> {
        Ok(request)
    }
}

impl api::MoreShapes for All {
    fn say(&self, _: &Context, request: api::More) -> Result<api::More, Status> {
        Ok(request)
    }
}

impl keywords::Type_ for All {
    fn r#type(&self, _: &Context, request: keywords::Type) -> Result<keywords::Type, Status> {
        Ok(request)
    }

    fn r#impl(
        &self,
        _: &Context,
        _: keywords::Option,
        replies: &mut Sender<'_, keywords::Status>,
    ) -> Result<(), Status> {
        replies.send(&keywords::Status { context: "impl".into() })
    }

    fn call(
        &self,
        _: &Context,
        results: &mut Receiver<'_, keywords::Result>,
    ) -> Result<keywords::Box, Status> {
        results.last().transpose().map(|last| last.and_then(|last| last.r#box).unwrap_or_default())
    }

    fn name(
        &self,
        _: &Context,
        _: &mut Receiver<'_, keywords::String>,
        replies: &mut Sender<'_, keywords::Vec>,
    ) -> Result<(), Status> {
        replies.send(&keywords::Vec::default())
    }

    fn descriptors(&self, _: &Context, _: keywords::Status) -> Result<keywords::Option, Status> {
        Ok(keywords::Option::default())
    }
}

impl Bare for All {
    fn say(&self, _: &Context, request: Unpackaged) -> Result<Unpackaged, Status> {
        Ok(Unpackaged { number: Some(request.number()), ..request })
    }
}

fn serve() -> (Handle, Channel) {
    let services = Services::new()
        .service(api::ShapesServer::new(All))
        .service(api::MoreShapesServer::new(All))
        .service(keywords::TypeServer::new(All))
        .service(BareServer::new(All))
        .service(Health::new().service())
        .with_reflection();
    let server = Server::bind("127.0.0.1:0").unwrap().serve(services.into_handler()).unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    (server, Channel::new(&url).unwrap())
}

#[test]
fn messages_of_other_packages_are_streamed() {
    bounded(|| {
        let (_server, channel) = serve();
        let client = api::ShapesClient::new(&channel);
        let inner = Inner { kind: 1, outers: vec![Outer::default()] };
        let (mut requests, mut replies) = client.imported().unwrap();
        requests.send(&inner).unwrap();
        let reply = replies.receive().unwrap().unwrap();
        assert_eq!(reply.choice, Some(Choice::Inner(inner)));
        requests.finish().unwrap();
        assert!(replies.receive().unwrap().is_none());
    });
}

#[test]
fn messages_of_protocol_buffers_are_types_of_rust() {
    bounded(|| {
        let (_server, channel) = serve();
        let client = api::ShapesClient::new(&channel);
        client.empty(&()).unwrap();
        let letters = client.wrapped(&"hi".to_owned()).unwrap();
        assert_eq!(letters.map(Result::unwrap).collect::<Vec<_>>(), [104, 105]);
        let (mut times, sum) = client.times().unwrap();
        times.send(&Timestamp { seconds: 2, nanos: 0 }).unwrap();
        times.send(&Timestamp { seconds: 3, nanos: 0 }).unwrap();
        times.finish().unwrap();
        assert_eq!(sum.wait().unwrap().message().seconds, 5);
        let any =
            Any { type_url: "type.googleapis.com/google.protobuf.Struct".into(), value: vec![] };
        assert_eq!(client.anything(&any).unwrap().into_message(), Struct::default());
        let known = api::Known { any: Some(any), count: Some(7), ..api::Known::default() };
        assert_eq!(client.all_known(&known).unwrap().into_message(), known);
    });
}

#[test]
fn names_may_be_keywords_and_those_of_generated_code() {
    bounded(|| {
        let (_server, channel) = serve();
        let client = keywords::TypeClient::new(&channel);
        let looped = keywords::r#type::Match::Loop(Box::default());
        let request =
            keywords::Type { r#type: "t".into(), self_: 1, r#async: true, r#match: Some(looped) };
        assert_eq!(client.r#type(&request).unwrap().into_message(), request);
        let shapes = api::ShapesClient::new(&channel);
        let mut replies = shapes.keyword(&request).unwrap();
        assert_eq!(replies.receive().unwrap().unwrap(), request);
        let mut replies = client.r#impl(&keywords::Option::default()).unwrap();
        assert_eq!(replies.receive().unwrap().unwrap().context, "impl");
        let (requests, reply) = client.call().unwrap();
        requests.finish().unwrap();
        assert_eq!(reply.wait().unwrap().into_message(), keywords::Box::default());
    });
}

#[test]
fn service_without_a_package_has_the_path_of_its_name() {
    bounded(|| {
        let (_server, channel) = serve();
        let request = Unpackaged { name: "n".into(), number: None };
        let expected = Unpackaged { name: "n".into(), number: Some(7) };
        let reply = BareClient::new(&channel).say(&request).unwrap();
        assert_eq!(reply.into_message(), expected);
        let by_path = Stub::new(&channel).unary::<_, _, Unpackaged>(Prost, "/Bare/Say", &request);
        assert_eq!(by_path.unwrap().into_message(), expected);
    });
}

/// What a tool asks reflection for, in the messages of `grpc.reflection.v1`.
mod reflection {
    use h2_sync_grpc::prost;

    #[derive(Clone, PartialEq, prost::Message)]
    #[prost(prost_path = "h2_sync_grpc::prost")]
    pub(super) struct Request {
        #[prost(string, tag = "4")]
        pub(super) file_containing_symbol: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    #[prost(prost_path = "h2_sync_grpc::prost")]
    pub(super) struct Response {
        #[prost(message, optional, tag = "4")]
        pub(super) files: Option<Files>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    #[prost(prost_path = "h2_sync_grpc::prost")]
    pub(super) struct Files {
        #[prost(bytes = "vec", repeated, tag = "1")]
        pub(super) files: Vec<Vec<u8>>,
    }
}

#[test]
fn reflection_knows_the_files_of_all_services_and_its_own() {
    bounded(|| {
        let (_server, channel) = serve();
        let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
        let (mut requests, mut replies) = Stub::new(&channel)
            .bidirectional::<_, reflection::Request, reflection::Response>(Prost, path)
            .unwrap();
        for (symbol, files) in [
            ("h2sync.shapes.api.v1.Shapes", 11),
            ("h2sync.shapes.api.v1.MoreShapes", 1),
            ("h2sync.shapes.common.Outer.Inner", 1),
            ("h2sync.shapes.type.type", 1),
            ("Bare", 1),
            ("google.protobuf.Any", 1),
            ("grpc.health.v1.Health", 1),
            ("grpc.health.v1.HealthCheckResponse.ServingStatus", 1),
            ("grpc.reflection.v1.ServerReflection", 1),
            ("grpc.reflection.v1alpha.ServerReflection.ServerReflectionInfo", 1),
        ] {
            requests.send(&reflection::Request { file_containing_symbol: symbol.into() }).unwrap();
            let found = replies.receive().unwrap().unwrap().files;
            let found = found.unwrap_or_else(|| panic!("{symbol} is not known")).files;
            assert_eq!(found.len(), files, "{symbol}");
            for file in found {
                FileDescriptorProto::decode(&*file).unwrap();
            }
        }
    });
}
