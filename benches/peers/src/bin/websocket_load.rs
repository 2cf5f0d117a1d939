//! Sends messages over one WebSocket in HTTP/1.1 to a server that echoes them, and prints the seconds
//! that this took. It has frames alone, and none of the libraries that are compared.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;
use std::{env, iter};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use peers::{AnyError, usage};

const USAGE: &str = "ADDRESS OCTETS MESSAGES IN_FLIGHT plain|deflate";

/// FIN and the opcode of text; RSV1 with compression (RFC 7692, Section 6).
const TEXT: u8 = 0x81;
const COMPRESSED: u8 = 0x40;

/// Each message is masked with it. A server takes any.
const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

fn main() -> Result<(), AnyError> {
    let words: Vec<_> = env::args().skip(1).collect();
    let [address, octets, messages, in_flight, coding] = &words[..] else { usage(USAGE) };
    let is_deflated = coding == "deflate";
    let (octets, messages, in_flight): (usize, usize, usize) =
        (octets.parse()?, messages.parse()?, in_flight.parse()?);
    let text = text(octets);
    let payload = if is_deflated { deflate(&text)? } else { text.clone() };
    let batch = frame(&payload, is_deflated).repeat(in_flight);

    let mut server = Server::connect(address, is_deflated)?;
    let started = Instant::now();
    for n in 0..messages / in_flight {
        server.stream.write_all(&batch)?;
        for _ in 0..in_flight {
            let (first, echoed) = server.read_frame()?;
            // Each has to be there; what is in it is looked at now and then.
            if n % 1000 == 0 {
                let echoed = if first & COMPRESSED != 0 {
                    inflate(echoed, octets)?
                } else {
                    echoed.to_vec()
                };
                assert!(first & 0x8f == TEXT && echoed == text, "not the echo of what was sent");
            }
        }
    }
    println!("{}", started.elapsed().as_secs_f64());
    Ok(())
}

/// Lines of JSON, as services send them.
fn text(octets: usize) -> Vec<u8> {
    let lines = (0_u32..).map(|n| {
        let (id, price) = (n.wrapping_mul(2_654_435_761), n % 977);
        format!("{{\"id\":{id},\"symbol\":\"H2\",\"price\":{price},\"side\":\"buy\"}}\n")
    });
    lines.flat_map(String::into_bytes).take(octets).collect()
}

fn deflate(text: &[u8]) -> Result<Vec<u8>, AnyError> {
    let mut octets = Vec::with_capacity(text.len() + 64);
    let mut state = Compress::new(Compression::default(), false);
    state.compress_vec(text, &mut octets, FlushCompress::Sync)?;
    // RFC 7692, Section 7.2.1: the end of the last block is left out.
    octets.truncate(octets.len() - 4);
    Ok(octets)
}

fn inflate(octets: &[u8], most: usize) -> Result<Vec<u8>, AnyError> {
    let mut text = Vec::with_capacity(most + 1);
    let octets: Vec<_> = octets.iter().copied().chain([0, 0, 0xff, 0xff]).collect();
    Decompress::new(false).decompress_vec(&octets, &mut text, FlushDecompress::Sync)?;
    Ok(text)
}

/// One masked frame with the whole message.
fn frame(payload: &[u8], is_deflated: bool) -> Vec<u8> {
    let mut frame = vec![if is_deflated { TEXT | COMPRESSED } else { TEXT }];
    match payload.len() {
        n @ 0..=125 => frame.push(0x80 | n as u8),
        n @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((n as u16).to_be_bytes());
        }
        n => {
            frame.push(0x80 | 127);
            frame.extend((n as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(iter::zip(payload, MASK.iter().cycle()).map(|(octet, mask)| octet ^ mask));
    frame
}

struct Server {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// What is in the buffer and has not been taken.
    start: usize,
    end: usize,
}

impl Server {
    fn connect(address: &str, deflate: bool) -> Result<Self, AnyError> {
        let address = address.trim_start_matches("http://");
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let mut server = Server { stream, buffer: vec![0; 256 << 10], start: 0, end: 0 };
        let extensions = if deflate {
            "Sec-WebSocket-Extensions: permessage-deflate; \
             client_no_context_takeover; server_no_context_takeover\r\n"
        } else {
            ""
        };
        write!(
            server.stream,
            "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
             {extensions}\r\n",
        )?;
        let head = loop {
            let have = &server.buffer[..server.end];
            if let Some(at) = have.windows(4).position(|end| end == b"\r\n\r\n") {
                break String::from_utf8(have[..at].to_vec())?;
            }
            server.fill()?;
        };
        server.start = head.len() + 4;
        let is_deflated = head.to_ascii_lowercase().contains("permessage-deflate");
        if !head.starts_with("HTTP/1.1 101 ") || is_deflated != deflate {
            return Err(format!("not the handshake that was asked for: {head}").into());
        }
        Ok(server)
    }

    /// The first octet of the next frame, and its payload.
    fn read_frame(&mut self) -> Result<(u8, &[u8]), AnyError> {
        self.need(2)?;
        let (header, payload) = match self.have()[1] {
            126 => {
                self.need(4)?;
                (4, u16::from_be_bytes(self.have()[2..4].try_into()?).into())
            }
            127 => {
                self.need(10)?;
                (10, u64::from_be_bytes(self.have()[2..10].try_into()?) as usize)
            }
            n => (2, n.into()),
        };
        self.need(header + payload)?;
        let at = self.start;
        self.start += header + payload;
        Ok((self.buffer[at], &self.buffer[at + header..self.start]))
    }

    fn have(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Reads until this many octets are there.
    fn need(&mut self, octets: usize) -> Result<(), AnyError> {
        while self.end - self.start < octets {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.end - self.start);
            }
            if self.buffer.len() < octets {
                self.buffer.resize(octets, 0);
            }
            self.fill()?;
        }
        Ok(())
    }

    fn fill(&mut self) -> Result<(), AnyError> {
        match self.stream.read(&mut self.buffer[self.end..])? {
            0 => Err("the server has closed the connection".into()),
            n => {
                self.end += n;
                Ok(())
            }
        }
    }
}
