//! Names of generated types, where messages have some of them already.

use std::collections::BTreeSet;

use prost_types::FileDescriptorSet;

/// The messages and enums of all packages.
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

    /// The name, with `_` behind it if a message or an enum of the package has it.
    pub(crate) fn free(&self, package: &str, name: String) -> String {
        if self.0.contains(&(package.to_owned(), key(&name))) {
            return name + "_";
        }
        name
    }
}

/// The same for all names that become one in Rust: `my_type` and `MyType`.
fn key(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

#[cfg(test)]
mod tests {
    use prost_types::{DescriptorProto, FileDescriptorProto};

    use super::*;

    #[test]
    fn name_of_a_message_is_not_free_in_its_package() {
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
