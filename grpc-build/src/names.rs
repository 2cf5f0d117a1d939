//! Names of generated types that do not collide with messages.

use std::collections::BTreeSet;

use prost_types::FileDescriptorSet;

/// The names of messages and enums of all packages.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeSet<(String, String)>);

impl Names {
    pub(crate) fn of(files: &FileDescriptorSet) -> Self {
        let names = files.file.iter().flat_map(|file| {
            let messages = file.message_type.iter().map(|message| message.name());
            let enums = file.enum_type.iter().map(|enumeration| enumeration.name());
            messages.chain(enums).map(|name| (file.package().to_owned(), key(name)))
        });
        Names(names.collect())
    }

    /// Returns the name, with `_` after it if a message or an enum of the package has the same
    /// name.
    pub(crate) fn free(&self, package: &str, name: String) -> String {
        if self.0.contains(&(package.to_owned(), key(&name))) {
            return name + "_";
        }
        name
    }
}

/// Returns a key that is equal for names with the same form in Rust, such as `my_type` and
/// `MyType`.
fn key(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

#[cfg(test)]
mod tests {
    use prost_types::{DescriptorProto, FileDescriptorProto};

    use super::*;

    #[test]
    fn names_of_messages_are_avoided_in_their_package() {
        let message = DescriptorProto { name: Some("greeter_client".into()), ..Default::default() };
        let file = FileDescriptorProto {
            package: Some("p".into()),
            message_type: vec![message],
            ..Default::default()
        };
        let names = Names::of(&FileDescriptorSet { file: vec![file] });
        assert_eq!(names.free("p", "GreeterClient".into()), "GreeterClient_");
        assert_eq!(names.free("p", "GreeterServer".into()), "GreeterServer");
        assert_eq!(names.free("q", "GreeterClient".into()), "GreeterClient");
    }
}
