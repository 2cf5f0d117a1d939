//! Details of a status, as `google.rpc.Status`.

use prost::{Message, Name};
use prost_types::Any;

use crate::code::Code;
use crate::status::Status;

/// The message `google.rpc.Status`, the usual content of `grpc-status-details-bin`.
///
/// [`Status::with_messages`] makes one. A program that has it in another form passes its octets:
///
/// ```
/// use h2_sync_grpc::prost::Message;
/// use h2_sync_grpc::{Code, RpcStatus, Status};
///
/// let details = RpcStatus { code: Code::Aborted as i32, ..RpcStatus::default() };
/// let status = Status::aborted("try again").with_details(details.encode_to_vec());
/// assert_eq!(status.messages()?, []);
/// # Ok::<(), Status>(())
/// ```
#[derive(Clone, PartialEq, Message)]
pub struct RpcStatus {
    /// The number of the code.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// The message.
    #[prost(string, tag = "2")]
    pub message: String,
    /// Messages of any type: mostly those of `google/rpc/error_details.proto`.
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Any>,
}

impl Status {
    /// Returns the status with messages as its details, in a `google.rpc.Status` of its code and
    /// message.
    ///
    /// ```
    /// use h2_sync_grpc::prost_types::Any;
    /// use h2_sync_grpc::Status;
    ///
    /// let detail = Any { type_url: "type.googleapis.com/my.Detail".into(), value: vec![8, 1] };
    /// let status = Status::invalid_argument("no such colour").with_messages(vec![detail]);
    /// assert_eq!(status.messages().unwrap()[0].value, [8, 1]);
    /// ```
    #[must_use]
    pub fn with_messages(self, details: Vec<Any>) -> Self {
        let (code, message) = (self.code() as i32, self.message().to_owned());
        let details = RpcStatus { code, message, details }.encode_to_vec();
        self.with_details(details)
    }

    /// Returns the messages in the details; an empty list for a status without details.
    ///
    /// # Errors
    ///
    /// The details are not a `google.rpc.Status`.
    pub fn messages(&self) -> Result<Vec<Any>, Status> {
        let status = RpcStatus::decode(self.details().clone());
        status.map(|status| status.details).map_err(|error| {
            Status::new(Code::Internal, format!("the details are not a google.rpc.Status: {error}"))
        })
    }

    /// Returns the first message of type `T` in the details. `T` has a [name](prost::Name).
    ///
    /// ```
    /// use h2_sync_grpc::prost_types::{Any, Timestamp};
    /// use h2_sync_grpc::Status;
    ///
    /// let until = Timestamp { seconds: 7, nanos: 0 };
    /// let detail = Any::from_msg(&until).expect("a message can be encoded");
    /// let status = Status::unavailable("maintenance").with_messages(vec![detail]);
    /// assert_eq!(status.message_of::<Timestamp>(), Some(until));
    /// ```
    pub fn message_of<T: Message + Name + Default>(&self) -> Option<T> {
        self.messages().ok()?.iter().find_map(|any| any.to_msg().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_go_there_and_back() {
        let any = |value: &[u8]| Any { type_url: "t/x.Y".into(), value: value.to_vec() };
        let status = Status::aborted("m").with_messages(vec![any(b"1"), any(b"2")]);
        let inner = RpcStatus::decode(status.details().clone()).unwrap();
        assert_eq!((inner.code, &*inner.message), (10, "m"));
        assert_eq!(status.messages().unwrap(), [any(b"1"), any(b"2")]);
        assert_eq!(Status::aborted("m").messages().unwrap(), []);
    }

    #[test]
    fn other_details_are_an_error() {
        assert!(Status::aborted("m").with_details(&b"\xff"[..]).messages().is_err());
    }
}
