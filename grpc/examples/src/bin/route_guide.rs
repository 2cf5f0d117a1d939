//! All four kinds of call, with server and client in one program.
//! It shows how messages are sent and received, in one thread or two.
//!
//! `cargo run -p h2-sync-grpc-examples --bin route_guide`

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use h2_sync::server::Server;
use h2_sync_grpc::Status;
use h2_sync_grpc::client::Channel;
use h2_sync_grpc::server::{Context, Receiver, Sender, Services};
use pb::{Feature, Point, Rectangle, RouteNote, RouteSummary};

mod pb {
    h2_sync_grpc::include_proto!("routeguide");
}

struct RouteGuide {
    features: Vec<Feature>,
    notes: Mutex<Vec<RouteNote>>,
}

impl RouteGuide {
    fn find(&self, point: &Point) -> Option<&Feature> {
        self.features.iter().find(|feature| feature.location.as_ref() == Some(point))
    }
}

impl pb::RouteGuide for RouteGuide {
    fn get_feature(&self, _: &Context, point: Point) -> Result<Feature, Status> {
        let found = self.find(&point).cloned();
        Ok(found.unwrap_or(Feature { name: String::new(), location: Some(point) }))
    }

    fn list_features(
        &self,
        _: &Context,
        rectangle: Rectangle,
        replies: &mut Sender<Feature>,
    ) -> Result<(), Status> {
        let (Some(low), Some(high)) = (rectangle.low, rectangle.high) else {
            return Err(Status::invalid_argument("a rectangle has two corners"));
        };
        for feature in &self.features {
            let point = feature.location.unwrap_or_default();
            let is_inside = (low.latitude..=high.latitude).contains(&point.latitude)
                && (low.longitude..=high.longitude).contains(&point.longitude);
            if is_inside {
                replies.send(feature)?;
            }
        }
        Ok(())
    }

    fn record_route(
        &self,
        _: &Context,
        points: &mut Receiver<Point>,
    ) -> Result<RouteSummary, Status> {
        let mut summary = RouteSummary::default();
        let mut last: Option<Point> = None;
        for point in points {
            let point = point?;
            summary.point_count += 1;
            summary.feature_count += i32::from(self.find(&point).is_some());
            if let Some(last) = last.replace(point) {
                let (across, up) =
                    (point.longitude - last.longitude, point.latitude - last.latitude);
                summary.distance += f64::from(across).hypot(f64::from(up)) as i64;
            }
        }
        Ok(summary)
    }

    fn route_chat(
        &self,
        _: &Context,
        notes: &mut Receiver<RouteNote>,
        replies: &mut Sender<RouteNote>,
    ) -> Result<(), Status> {
        for note in notes {
            let note = note?;
            let mut all = self.notes.lock().map_err(|_| Status::internal("a thread panicked"))?;
            let earlier: Vec<_> =
                all.iter().filter(|other| other.location == note.location).cloned().collect();
            all.push(note);
            // Sending may block on the client, and other calls need the notes meanwhile.
            drop(all);
            for note in &earlier {
                replies.send(note)?;
            }
        }
        Ok(())
    }
}

fn point(latitude: i32, longitude: i32) -> Point {
    Point { latitude, longitude }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let feature = |name: &str, at| Feature { name: name.to_owned(), location: Some(at) };
    let guide = RouteGuide {
        features: vec![
            feature("Mill", point(10, 10)),
            feature("Bridge", point(20, 30)),
            feature("Tower", point(90, 90)),
        ],
        notes: Mutex::default(),
    };
    let services = Services::new().service(pb::RouteGuideServer::new(guide));
    let server = Server::bind("127.0.0.1:0")?.serve(services.into_handler())?;
    let url = format!("http://{}", server.local_addr().ok_or("no address")?);
    let client = pb::RouteGuideClient::new(&Channel::new(&url)?);

    // Unary: a function call.
    println!("at (10, 10): {}", client.get_feature(&point(10, 10))?.message().name);

    // Server streaming: an iterator.
    let rectangle = Rectangle { low: Some(point(0, 0)), high: Some(point(50, 50)) };
    for feature in client.list_features(&rectangle)? {
        println!("in the rectangle: {}", feature?.name);
    }

    // Client streaming: a sender, and a reply to wait for.
    let (mut points, summary) = client.record_route()?;
    for at in [point(10, 10), point(10, 20), point(20, 30)] {
        points.send(&at)?;
    }
    points.finish()?;
    println!("the walk: {:?}", summary.wait()?.message());

    // Bidirectional: a sender and a receiver, for two threads.
    let (mut notes, replies) = client.route_chat()?;
    let writer = thread::spawn(move || {
        for message in ["first", "second", "third"] {
            let note = RouteNote { location: Some(point(10, 10)), message: message.to_owned() };
            notes.send(&note)?;
        }
        notes.finish()
    });
    for note in replies {
        println!("noted before: {}", note?.message);
    }
    writer.join().map_err(|_| "the writer panicked")??;

    drop(client);
    server.shutdown(Duration::from_secs(5));
    Ok(())
}
