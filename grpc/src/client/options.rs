//! What can be set for a call.

use std::time::{Duration, Instant};

use h2_sync::client::CancelHandle;

use super::retry::RetryPolicy;
use crate::compression::Compression;
use crate::metadata::{InvalidMetadata, Metadata};
use crate::MAX_MESSAGE;

/// The options of a client's calls: `client.with(options)`.
///
/// ```
/// use std::time::Duration;
///
/// use h2_sync_grpc::client::CallOptions;
///
/// let options = CallOptions::new()
///     .timeout(Duration::from_secs(5))
///     .metadata("authorization", "Bearer abc")?;
/// # Ok::<(), h2_sync_grpc::InvalidMetadata>(())
/// ```
#[derive(Debug, Clone)]
pub struct CallOptions {
    pub(super) timeout: Option<Duration>,
    pub(super) deadline: Option<Instant>,
    pub(super) metadata: Metadata,
    pub(super) compression: Option<Compression>,
    pub(super) max_message: usize,
    pub(super) max_request: usize,
    pub(super) wait_for_ready: bool,
    pub(super) retry: Option<RetryPolicy>,
    pub(super) cancel: Option<CancelHandle>,
}

impl CallOptions {
    /// No deadline, no metadata, no compression, messages of up to 4 MiB, no retries.
    pub fn new() -> Self {
        CallOptions {
            timeout: None,
            deadline: None,
            metadata: Metadata::new(),
            compression: None,
            max_message: MAX_MESSAGE,
            max_request: usize::MAX,
            wait_for_ready: false,
            retry: None,
            cancel: None,
        }
    }

    /// Sets how long each call may take, from its beginning to its status.
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = timeout.into();
        self
    }

    /// Sets when calls end at the latest, as well as by their [`timeout`](Self::timeout).
    #[must_use]
    pub fn deadline(mut self, deadline: impl Into<Option<Instant>>) -> Self {
        self.deadline = deadline.into();
        self
    }

    /// Adds a text to the metadata of the request.
    ///
    /// # Errors
    ///
    /// The key or the value is not valid.
    pub fn metadata(mut self, key: &str, value: impl AsRef<str>) -> Result<Self, InvalidMetadata> {
        self.metadata.append(key, value)?;
        Ok(self)
    }

    /// The metadata of the request, to be changed.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    /// Has the messages of the request compressed. Default `None`. A server that does not know the
    /// compression answers [`Unimplemented`](crate::Code::Unimplemented).
    #[must_use]
    pub fn compression(mut self, compression: impl Into<Option<Compression>>) -> Self {
        self.compression = compression.into();
        self
    }

    /// Sets how many octets a message of the response may have, also when it is inflated. Default
    /// 4 MiB. A larger one ends the call with
    /// [`ResourceExhausted`](crate::Code::ResourceExhausted) before memory is taken for it.
    #[must_use]
    pub fn max_message(mut self, octets: usize) -> Self {
        self.max_message = octets;
        self
    }

    /// Sets how many octets a message of the request may have on the wire. Default: any number.
    #[must_use]
    pub fn max_request(mut self, octets: usize) -> Self {
        self.max_request = octets;
        self
    }

    /// Whether a call whose server cannot be reached waits until it can, or until its deadline.
    /// Default `false`: it fails with [`Unavailable`](crate::Code::Unavailable) after a few attempts.
    #[must_use]
    pub fn wait_for_ready(mut self, waits: bool) -> Self {
        self.wait_for_ready = waits;
        self
    }

    /// Has calls repeated that the server may have processed. Default `None`.
    #[must_use]
    pub fn retry(mut self, policy: impl Into<Option<RetryPolicy>>) -> Self {
        self.retry = policy.into();
        self
    }

    /// Has calls cancelled with this handle, from any thread.
    ///
    /// ```
    /// use h2_sync_grpc::client::{CallOptions, CancelHandle};
    ///
    /// let handle = CancelHandle::new();
    /// let options = CallOptions::new().cancel_with(&handle);
    /// // Another thread ends the calls, those to come as well.
    /// std::thread::spawn(move || handle.cancel());
    /// ```
    #[must_use]
    pub fn cancel_with(mut self, handle: &CancelHandle) -> Self {
        self.cancel = Some(handle.clone());
        self
    }

    /// When a call that begins now has to be over.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        let by_timeout = self.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        [by_timeout, self.deadline].into_iter().flatten().min()
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(CancelHandle::is_cancelled)
    }
}

impl Default for CallOptions {
    fn default() -> Self {
        CallOptions::new()
    }
}
