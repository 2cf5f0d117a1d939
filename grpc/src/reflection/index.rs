//! An index from names to the files that define them.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use prost::Message;
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto};
use prost_types::{FileDescriptorProto, FileDescriptorSet};

use crate::status::Status;

/// Files by name, symbol and extension.
#[derive(Debug, Default)]
pub(super) struct Index {
    files: BTreeMap<String, File>,
    /// The file of each fully qualified symbol.
    symbols: BTreeMap<String, String>,
    /// The file of each extension, by extended type and number.
    extensions: BTreeMap<String, BTreeMap<i32, String>>,
}

#[derive(Debug)]
struct File {
    octets: Bytes,
    imports: Vec<String>,
}

impl Index {
    /// Adds the files of an encoded `FileDescriptorSet`.
    pub(super) fn add(&mut self, descriptors: &[u8]) -> Result<(), Status> {
        let set = FileDescriptorSet::decode(descriptors)
            .map_err(|error| Status::internal(format!("descriptors are malformed: {error}")))?;
        for file in set.file {
            self.add_file(&file);
        }
        Ok(())
    }

    /// Returns a file and its imports, the file first.
    pub(super) fn file(&self, name: &str) -> Option<Vec<Bytes>> {
        let mut names = vec![name];
        let mut seen = BTreeSet::from([name]);
        let mut found = vec![self.files.get(name)?.octets.clone()];
        while let Some(name) = names.pop() {
            for import in self.files.get(name).into_iter().flat_map(|file| &file.imports) {
                if let Some(file) = self.files.get(import).filter(|_| seen.insert(import)) {
                    found.push(file.octets.clone());
                    names.push(import);
                }
            }
        }
        Some(found)
    }

    /// Returns the file that defines a symbol, and its imports.
    pub(super) fn file_of_symbol(&self, symbol: &str) -> Option<Vec<Bytes>> {
        self.file(self.symbols.get(symbol.trim_start_matches('.'))?)
    }

    /// Returns the file that defines an extension, and its imports.
    pub(super) fn file_of_extension(&self, extended: &str, number: i32) -> Option<Vec<Bytes>> {
        self.file(self.extensions.get(extended)?.get(&number)?)
    }

    /// Returns the numbers of the extensions of a type. `None` for an unknown type.
    pub(super) fn extension_numbers(&self, extended: &str) -> Option<Vec<i32>> {
        match self.extensions.get(extended) {
            Some(numbers) => Some(numbers.keys().copied().collect()),
            None => self.symbols.contains_key(extended).then(Vec::new),
        }
    }

    fn add_file(&mut self, file: &FileDescriptorProto) {
        let (name, package) = (file.name(), file.package());
        for message in &file.message_type {
            self.add_message(name, package, message);
        }
        for enumeration in &file.enum_type {
            self.add_enum(name, package, enumeration);
        }
        for service in &file.service {
            let service_name = self.add_symbol(name, package, service.name());
            for method in &service.method {
                self.add_symbol(name, &service_name, method.name());
            }
        }
        for extension in &file.extension {
            self.add_extension(name, package, extension);
        }
        let octets = file.encode_to_vec().into();
        let imports = file.dependency.clone();
        self.files.insert(name.to_owned(), File { octets, imports });
    }

    fn add_message(&mut self, file: &str, scope: &str, message: &DescriptorProto) {
        let name = self.add_symbol(file, scope, message.name());
        for field in &message.field {
            self.add_symbol(file, &name, field.name());
        }
        for oneof in &message.oneof_decl {
            self.add_symbol(file, &name, oneof.name());
        }
        for extension in &message.extension {
            self.add_extension(file, &name, extension);
        }
        for enumeration in &message.enum_type {
            self.add_enum(file, &name, enumeration);
        }
        for nested in &message.nested_type {
            self.add_message(file, &name, nested);
        }
    }

    fn add_enum(&mut self, file: &str, scope: &str, enumeration: &EnumDescriptorProto) {
        self.add_symbol(file, scope, enumeration.name());
        for value in &enumeration.value {
            // Values are siblings of their type.
            self.add_symbol(file, scope, value.name());
        }
    }

    fn add_extension(&mut self, file: &str, scope: &str, extension: &FieldDescriptorProto) {
        self.add_symbol(file, scope, extension.name());
        let extended = extension.extendee().trim_start_matches('.').to_owned();
        let numbers = self.extensions.entry(extended).or_default();
        numbers.insert(extension.number(), file.to_owned());
    }

    /// Adds a symbol and returns its full name.
    fn add_symbol(&mut self, file: &str, scope: &str, name: &str) -> String {
        let full = if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") };
        self.symbols.insert(full.clone(), file.to_owned());
        full
    }
}

#[cfg(test)]
mod tests {
    use prost_types::{MethodDescriptorProto, ServiceDescriptorProto};

    use super::*;

    fn set() -> Vec<u8> {
        let field = FieldDescriptorProto { name: Some("field".into()), ..Default::default() };
        let message = DescriptorProto {
            name: Some("Outer".into()),
            field: vec![field],
            nested_type: vec![DescriptorProto { name: Some("Inner".into()), ..Default::default() }],
            ..Default::default()
        };
        let extension = FieldDescriptorProto {
            name: Some("extra".into()),
            number: Some(100),
            extendee: Some(".pkg.Outer".into()),
            ..Default::default()
        };
        let method = MethodDescriptorProto { name: Some("Run".into()), ..Default::default() };
        let base = FileDescriptorProto {
            name: Some("base.proto".into()),
            package: Some("pkg".into()),
            message_type: vec![message],
            ..Default::default()
        };
        let top = FileDescriptorProto {
            name: Some("top.proto".into()),
            package: Some("pkg".into()),
            dependency: vec!["base.proto".into(), "top.proto".into()],
            service: vec![ServiceDescriptorProto {
                name: Some("Service".into()),
                method: vec![method],
                ..Default::default()
            }],
            extension: vec![extension],
            ..Default::default()
        };
        FileDescriptorSet { file: vec![base, top] }.encode_to_vec()
    }

    fn index() -> Index {
        let mut index = Index::default();
        index.add(&set()).unwrap();
        index
    }

    fn names(files: Option<Vec<Bytes>>) -> Vec<String> {
        let decode = |octets| FileDescriptorProto::decode(octets).unwrap().name().to_owned();
        files.unwrap_or_default().into_iter().map(decode).collect()
    }

    #[test]
    fn imports_are_returned_once() {
        assert_eq!(names(index().file("top.proto")), ["top.proto", "base.proto"]);
        assert_eq!(names(index().file("base.proto")), ["base.proto"]);
        assert!(index().file("other.proto").is_none());
    }

    #[test]
    fn every_kind_of_symbol_is_found() {
        for symbol in ["pkg.Outer", "pkg.Outer.Inner", "pkg.Outer.field", ".pkg.Outer"] {
            assert_eq!(names(index().file_of_symbol(symbol)), ["base.proto"], "{symbol}");
        }
        for symbol in ["pkg.Service", "pkg.Service.Run", "pkg.extra"] {
            assert_eq!(names(index().file_of_symbol(symbol))[0], "top.proto", "{symbol}");
        }
        assert!(index().file_of_symbol("pkg.Nothing").is_none());
    }

    #[test]
    fn extensions_are_found_by_type_and_number() {
        assert_eq!(names(index().file_of_extension("pkg.Outer", 100))[0], "top.proto");
        assert!(index().file_of_extension("pkg.Outer", 101).is_none());
        assert_eq!(index().extension_numbers("pkg.Outer"), Some(vec![100]));
        assert_eq!(index().extension_numbers("pkg.Outer.Inner"), Some(vec![]));
        assert_eq!(index().extension_numbers("pkg.Nothing"), None);
    }

    #[test]
    fn malformed_descriptors_are_refused() {
        assert!(Index::default().add(b"\xff").is_err());
    }
}
