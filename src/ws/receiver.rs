//! From octets to messages.

use bytes::Bytes;

use super::close::{Close, MAX_CONTROL};
use super::config::{Config, Role};
use super::deflate::{DeflateParams, Inflater};
use super::error::Error;
use super::head::{Head, HeadBuffer, Opcode, Rules};
use super::mask;
use super::message::Event;
use super::partial::Partial;

/// The smallest payload that shares memory with the input. A smaller one would keep a much larger
/// buffer alive.
const SHARED_MIN: usize = 512;

/// The octets that are unmasked at a time, while they are in the processor's cache.
const UNMASK_STEP: usize = 16 << 10;

/// Fragments of fewer octets are charged.
const TINY: u64 = 64;

/// The effect of a frame on the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cost {
    Control,
    TinyFragment,
    /// Earns credit.
    Message,
}

/// The receiving direction.
#[derive(Debug)]
pub(super) struct Receiver {
    rules: Rules,
    max_frame: usize,
    max_message: usize,
    inflater: Option<Inflater>,
    head: HeadBuffer,
    frame: Option<Frame>,
    /// The message that is being received.
    message: Option<Partial>,
    /// The payload of a control frame that has arrived in part.
    control: Vec<u8>,
}

/// The frame that is being received.
#[derive(Debug, Clone, Copy)]
struct Frame {
    head: Head,
    received: u64,
}

impl Frame {
    fn left(&self) -> u64 {
        self.head.len - self.received
    }

    /// Takes the available octets of the payload, up to `max`, and returns them with their offset.
    fn take(&mut self, octets: &mut Bytes, max: usize) -> (Bytes, usize) {
        let left = usize::try_from(self.left()).unwrap_or(usize::MAX);
        let piece = octets.split_to(left.min(octets.len()).min(max));
        // Only the lowest bits of the offset matter, to the mask.
        let offset = self.received as usize;
        self.received += piece.len() as u64;
        (piece, offset)
    }
}

impl Receiver {
    pub(super) fn new(role: Role, deflate: Option<&DeflateParams>, config: &Config) -> Self {
        Receiver {
            rules: Rules { role, has_deflate: deflate.is_some() },
            max_frame: config.max_frame,
            max_message: config.max_message,
            inflater: deflate.map(Inflater::new),
            head: HeadBuffer::default(),
            frame: None,
            message: None,
            control: Vec::new(),
        }
    }

    /// Whether it holds a compression context.
    #[cfg(test)]
    pub(super) fn holds_context(&self) -> bool {
        self.inflater.as_ref().is_some_and(Inflater::holds_context)
    }

    /// Takes octets until an event is complete. Returns `None`, with all octets taken, if it needs
    /// more.
    pub(super) fn receive(
        &mut self,
        octets: &mut Bytes,
        mut charge: impl FnMut(Cost) -> Result<(), Error>,
    ) -> Result<Option<Event>, Error> {
        loop {
            let Some(frame) = self.frame.take() else {
                let Some(head) = self.head.take(octets, self.rules)? else { return Ok(None) };
                if let Some(cost) = self.begin(&head)? {
                    charge(cost)?;
                }
                self.frame = Some(Frame { head, received: 0 });
                continue;
            };
            let event = if frame.head.opcode.is_control() {
                self.receive_control(frame, octets)?
            } else {
                self.receive_data(frame, octets)?
            };
            if let Some(event) = event {
                if matches!(event, Event::Message(_)) {
                    charge(Cost::Message)?;
                }
                return Ok(Some(event));
            }
            if self.frame.is_some() {
                return Ok(None);
            }
        }
    }

    /// Checks whether this head may arrive now, with this length.
    fn begin(&mut self, head: &Head) -> Result<Option<Cost>, Error> {
        if head.opcode.is_control() {
            return Ok(Some(Cost::Control));
        }
        let len = usize::try_from(head.len).unwrap_or(usize::MAX);
        if len > self.max_frame {
            let max = self.max_frame;
            return Err(Error::too_big(format!("a frame of {len} octets, over {max} (max_frame)")));
        }
        let message = match (&mut self.message, head.opcode) {
            (Some(message), Opcode::Continuation) => message,
            (Some(_), _) => {
                return Err(Error::protocol("a new message before the end of the previous one"));
            }
            (None, Opcode::Continuation) => {
                return Err(Error::protocol("a continuation frame without a message"));
            }
            (none, opcode) => none.insert(Partial::new(opcode == Opcode::Text, head.is_compressed)),
        };
        // The inflated size is checked while inflating.
        if !message.is_compressed() && len > self.max_message.saturating_sub(message.len()) {
            let max = self.max_message;
            return Err(Error::too_big(format!(
                "a message of more than {max} octets (max_message)"
            )));
        }
        Ok((!head.is_fin && head.len < TINY).then_some(Cost::TinyFragment))
    }

    /// Takes the payload of a data frame.
    fn receive_data(
        &mut self,
        mut frame: Frame,
        octets: &mut Bytes,
    ) -> Result<Option<Event>, Error> {
        let Some(message) = &mut self.message else { return Ok(None) };
        if frame.head.is_fin
            && frame.received == 0
            && octets.len() as u64 >= frame.left()
            && message.is_untouched()
        {
            if let (None, false) = (frame.head.mask, message.is_compressed()) {
                let (payload, _) = frame.take(octets, usize::MAX);
                let is_text = message.is_text();
                self.message = None;
                return Partial::whole(is_text, share(payload)).map(Event::Message).map(Some);
            }
        }
        let mut inflater = self.inflater.as_mut().filter(|_| message.is_compressed());
        message.expect(frame.left(), octets.len());
        while !octets.is_empty() && frame.left() > 0 {
            let (piece, offset) = frame.take(octets, UNMASK_STEP);
            match &mut inflater {
                None => message.push(&piece, frame.head.mask, offset),
                Some(inflater) => {
                    message.inflate(&piece, frame.head.mask, offset, inflater, self.max_message)?;
                }
            }
        }
        if frame.left() > 0 {
            message.check()?;
            self.frame = Some(frame);
            return Ok(None);
        }
        if !frame.head.is_fin {
            message.check()?;
            return Ok(None);
        }
        let Some(message) = self.message.take() else { return Ok(None) };
        message.finish(inflater, self.max_message).map(Event::Message).map(Some)
    }

    /// Takes the payload of a control frame.
    fn receive_control(
        &mut self,
        mut frame: Frame,
        octets: &mut Bytes,
    ) -> Result<Option<Event>, Error> {
        let (piece, offset) = frame.take(octets, MAX_CONTROL);
        let begin = self.control.len();
        self.control.extend_from_slice(&piece);
        if let Some(key) = frame.head.mask {
            mask::apply(key, offset, &mut self.control[begin..]);
        }
        if frame.left() > 0 {
            self.frame = Some(frame);
            return Ok(None);
        }
        let payload = Bytes::copy_from_slice(&self.control);
        self.control.clear();
        Ok(Some(match frame.head.opcode {
            Opcode::Ping => Event::Ping(payload),
            Opcode::Pong => Event::Pong(payload),
            _ => Event::Close(Close::decode(&payload)?),
        }))
    }
}

/// Copies the payload of a small message, or shares that of a large one with the input.
fn share(payload: Bytes) -> Bytes {
    if payload.len() < SHARED_MIN { Bytes::copy_from_slice(&payload) } else { payload }
}
