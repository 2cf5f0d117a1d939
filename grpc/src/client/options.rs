//! The options of calls.

use std::time::{Duration, Instant};

use h2_sync::client::CancelHandle;

use super::retry::RetryPolicy;
use crate::compression::Compression;
use crate::metadata::{InvalidMetadata, Metadata};
use crate::{MAX_MESSAGE, MAX_METADATA};

/// Options for the calls of a client: `client.with(options)`.
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
///
/// All of them:
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use h2_sync_grpc::client::{CallOptions, RetryPolicy};
/// use h2_sync_grpc::Compression;
///
/// let mut options = CallOptions::new()
///     .deadline(Instant::now() + Duration::from_secs(60))
///     .compression(Compression::Gzip)
///     .max_message(16 << 20)
///     .max_request(16 << 20)
///     .wait_for_ready(true)
///     .retry(RetryPolicy::default());
/// options.metadata_mut().insert_bin("trace-bin", [1, 2, 3])?;
/// # Ok::<(), h2_sync_grpc::InvalidMetadata>(())
/// ```
#[derive(Debug, Clone)]
pub struct CallOptions {
    pub(super) timeout: Option<Duration>,
    pub(super) deadline: Option<Instant>,
    pub(super) metadata: Metadata,
    pub(super) compression: Option<Compression>,
    pub(super) limits: Limits,
    pub(super) max_request: usize,
    pub(super) wait_for_ready: bool,
    pub(super) retry: Option<RetryPolicy>,
    pub(super) cancel: Option<CancelHandle>,
}

/// The size limits of what a client receives, in octets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) message: usize,
    pub(super) metadata: usize,
}

impl CallOptions {
    /// Creates the default options: no deadline, no metadata, no compression, messages of up to
    /// 4 MiB, metadata of up to 8 KiB, no retries.
    pub fn new() -> Self {
        CallOptions {
            timeout: None,
            deadline: None,
            metadata: Metadata::new(),
            compression: None,
            limits: Limits { message: MAX_MESSAGE, metadata: MAX_METADATA },
            max_request: usize::MAX,
            wait_for_ready: false,
            retry: None,
            cancel: None,
        }
    }

    /// Sets the timeout of each call, from its beginning to its status. Default: none.
    #[must_use]
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = timeout.into();
        self
    }

    /// Sets a deadline for all calls, in addition to their [`timeout`](Self::timeout). Default:
    /// none.
    #[must_use]
    pub fn deadline(mut self, deadline: impl Into<Option<Instant>>) -> Self {
        self.deadline = deadline.into();
        self
    }

    /// Adds a text value to the metadata of the request.
    ///
    /// # Errors
    ///
    /// The key or the value is not valid.
    pub fn metadata(mut self, key: &str, value: impl AsRef<str>) -> Result<Self, InvalidMetadata> {
        self.metadata.append(key, value)?;
        Ok(self)
    }

    /// Returns the metadata of the request, mutably.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    /// Sets the compression of request messages. Default `None`. A server that does not support it
    /// answers [`Unimplemented`](crate::Code::Unimplemented).
    #[must_use]
    pub fn compression(mut self, compression: impl Into<Option<Compression>>) -> Self {
        self.compression = compression.into();
        self
    }

    /// Sets the size limit of a response message in octets, both compressed and inflated. Default
    /// 4 MiB. A larger message ends the call with
    /// [`ResourceExhausted`](crate::Code::ResourceExhausted) before memory is allocated for it.
    #[must_use]
    pub fn max_message(mut self, octets: usize) -> Self {
        self.limits.message = octets;
        self
    }

    /// Sets the size limit of received metadata: the octets of names and values in the header section or
    /// the trailers of a response, and 32 for each field. Default 8 KiB. Larger metadata ends the call
    /// with [`ResourceExhausted`](crate::Code::ResourceExhausted).
    ///
    /// A connection accepts up to 64 KiB. For more, raise
    /// [`max_header_list_size`](h2_sync::Config::max_header_list_size) as well:
    ///
    /// ```
    /// use h2_sync_grpc::client::{CallOptions, Channel};
    ///
    /// let channel = Channel::builder("http://127.0.0.1:50051")
    ///     .configure(|config| config.http2.max_header_list_size = 256 << 10)
    ///     .options(CallOptions::new().max_metadata(256 << 10))
    ///     .build()?;
    /// # Ok::<(), h2_sync_grpc::Status>(())
    /// ```
    #[must_use]
    pub fn max_metadata(mut self, octets: usize) -> Self {
        self.limits.metadata = octets;
        self
    }

    /// Sets the size limit of a request message on the wire, in octets. Default: no limit.
    #[must_use]
    pub fn max_request(mut self, octets: usize) -> Self {
        self.max_request = octets;
        self
    }

    /// Sets whether a call waits until its server can be reached, up to its deadline. Default
    /// `false`: it fails with [`Unavailable`](crate::Code::Unavailable) after a few attempts.
    #[must_use]
    pub fn wait_for_ready(mut self, waits: bool) -> Self {
        self.wait_for_ready = waits;
        self
    }

    /// Sets the policy for repeating calls that the server may have processed. Default `None`.
    #[must_use]
    pub fn retry(mut self, policy: impl Into<Option<RetryPolicy>>) -> Self {
        self.retry = policy.into();
        self
    }

    /// Sets a handle that cancels the calls from any thread.
    ///
    /// ```
    /// use h2_sync_grpc::client::{CallOptions, CancelHandle};
    ///
    /// let handle = CancelHandle::new();
    /// let options = CallOptions::new().cancel_with(&handle);
    /// // Another thread cancels the calls, including later ones.
    /// std::thread::spawn(move || handle.cancel());
    /// ```
    #[must_use]
    pub fn cancel_with(mut self, handle: &CancelHandle) -> Self {
        self.cancel = Some(handle.clone());
        self
    }

    /// Returns the deadline of a call that begins now.
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
