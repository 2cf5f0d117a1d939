//! The field `content-type` of gRPC.

/// Returns whether a value is `application/grpc`, optionally with a format after `+` or parameters
/// after `;`.
/// `application/grpc-web` is a different protocol.
pub(crate) fn is_grpc(value: &[u8]) -> bool {
    const NAME: &[u8] = b"application/grpc";
    let Some((name, rest)) = value.split_at_checked(NAME.len()) else { return false };
    name.eq_ignore_ascii_case(NAME) && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
}

#[cfg(test)]
mod tests {
    use super::is_grpc;

    #[test]
    fn formats_and_parameters_are_accepted() {
        for value in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc+json",
            "application/grpc;charset=utf-8",
            "Application/gRPC",
        ] {
            assert!(is_grpc(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn other_types_are_refused() {
        for value in
            ["", "application/grpc-web", "application/grpcx", "application/json", "text/html"]
        {
            assert!(!is_grpc(value.as_bytes()), "{value}");
        }
    }
}
