//! Opens connections to a server and takes the time from `connect` to the end of the first answer:
//! COUNT at once, or COUNT one after the other beside BUSY connections that ask without a pause.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use peers::{AnyError, usage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// The preface (RFC 9113, Section 3.4), SETTINGS without any, and the acknowledgement of theirs.
const PREFACE: &[u8] =
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0";

/// HEADERS with END_STREAM and END_HEADERS: `:method: GET`, `:path: /`, `:scheme: http` and
/// `:authority: a`, none of it indexed. The identifier of the stream is in octets 5 to 8.
const GET: &[u8] = b"\0\0\x06\x01\x05\0\0\0\x01\x82\x84\x86\x01\x01a";

/// Between two connections that are opened beside busy ones.
const PAUSE: Duration = Duration::from_millis(5);

/// An answer that takes longer counts as lost.
const LOST: Duration = Duration::from_secs(60);

fn main() -> Result<(), AnyError> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let (address, count, busy) = match &args[..] {
        [address, count] => (address, count, "0"),
        [address, count, busy] => (address, count, busy.as_str()),
        _ => usage("ADDRESS COUNT [BUSY]"),
    };
    let (address, count, busy) = (address.parse()?, count.parse()?, busy.parse()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut times = LocalSet::new().block_on(&runtime, async {
        if busy == 0 { at_once(address, count).await } else { beside(address, count, busy).await }
    })?;
    times.sort();
    let lost = count - times.len();
    let at = |permille: usize| {
        let place = (times.len() * permille).div_ceil(1000).max(1) - 1;
        times.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    };
    println!(
        "p50 {:.1} p99 {:.1} p99.9 {:.1} worst {:.1} ms, {lost} lost",
        at(500),
        at(990),
        at(999),
        at(1000)
    );
    Ok(())
}

async fn at_once(address: SocketAddr, count: usize) -> Result<Vec<Duration>, AnyError> {
    let began = Instant::now();
    let tasks: Vec<_> = (0..count)
        .map(|_| {
            tokio::task::spawn_local(tokio::time::timeout(LOST, async move {
                let connection = Connection::open(address).await?;
                Ok::<_, AnyError>((connection, began.elapsed()))
            }))
        })
        .collect();
    let (mut open, mut times) = (Vec::new(), Vec::new());
    let mut errors = BTreeMap::<String, usize>::new();
    for task in tasks {
        match task.await? {
            // All stay open to the end.
            Ok(Ok((connection, time))) => {
                open.push(connection);
                times.push(time);
            }
            Ok(Err(error)) => *errors.entry(error.to_string()).or_insert(0) += 1,
            Err(_) => *errors.entry(format!("no answer in {LOST:?}")).or_insert(0) += 1,
        }
    }
    errors.iter().for_each(|(error, count)| eprintln!("{count} times: {error}"));
    Ok(times)
}

async fn beside(address: SocketAddr, count: usize, busy: usize) -> Result<Vec<Duration>, AnyError> {
    let answers = Rc::new(Cell::new(0_u64));
    let mut connections = Vec::new();
    for _ in 0..busy {
        connections.push(Connection::open(address).await?);
    }
    // Busy when all are open: opening them beside one another would take minutes.
    for mut connection in connections {
        let answers = Rc::clone(&answers);
        tokio::task::spawn_local(async move {
            while connection.get().await.is_ok() {
                answers.set(answers.get() + 1);
            }
        });
    }
    answers.set(0);
    let (began, mut times) = (Instant::now(), Vec::new());
    for _ in 0..count {
        tokio::time::sleep(PAUSE).await;
        let opened = Instant::now();
        if let Ok(Ok(_)) = tokio::time::timeout(LOST, Connection::open(address)).await {
            times.push(opened.elapsed());
        }
    }
    let rate = answers.get() as f64 / began.elapsed().as_secs_f64();
    eprintln!("{rate:.0} requests/s beside them");
    Ok(times)
}

struct Connection {
    stream: TcpStream,
    next_id: u32,
}

impl Connection {
    /// Connects, and has its first answer.
    async fn open(address: SocketAddr) -> Result<Self, AnyError> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        stream.write_all(PREFACE).await?;
        let mut connection = Connection { stream, next_id: 1 };
        connection.get().await?;
        Ok(connection)
    }

    async fn get(&mut self) -> Result<(), AnyError> {
        let id = self.next_id;
        self.next_id += 2;
        let mut get = GET.to_vec();
        get[5..9].copy_from_slice(&id.to_be_bytes());
        self.stream.write_all(&get).await?;
        // Until the end of the response: a frame on the stream with the flag END_STREAM.
        let mut payload = [0; 256];
        loop {
            let mut head = [0; 9];
            self.stream.read_exact(&mut head).await?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let payload = payload.get_mut(..length).ok_or("a frame is too long")?;
            self.stream.read_exact(payload).await?;
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            if stream == id && head[3] <= 1 && head[4] & 1 != 0 {
                return Ok(());
            }
        }
    }
}
