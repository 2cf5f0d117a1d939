//! The descriptors that servers contain for reflection.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

use prost::Message;
use prost_types::FileDescriptorSet;

/// Returns the name of the descriptor file of a package. The generated code includes this file.
pub(crate) fn file_name(package: &str) -> String {
    // The code of files without a package has this name too.
    let package = if package.is_empty() { "_" } else { package };
    format!("{package}.descriptors.bin")
}

/// Writes a descriptor file for each package with services.
pub(crate) fn write(folder: &Path, files: &FileDescriptorSet) -> io::Result<()> {
    let with_services = files.file.iter().filter(|file| !file.service.is_empty());
    let packages: BTreeSet<_> = with_services.map(|file| file.package()).collect();
    for package in packages {
        fs::write(folder.join(file_name(package)), of_package(package, files).encode_to_vec())?;
    }
    Ok(())
}

/// Returns the files of a package with all their imports. Comments, the largest part, are left out.
fn of_package(package: &str, files: &FileDescriptorSet) -> FileDescriptorSet {
    let mut wanted = BTreeSet::new();
    // The compiler lists a file after its imports.
    for file in files.file.iter().rev() {
        if file.package() == package || wanted.contains(file.name()) {
            wanted.insert(file.name());
            wanted.extend(file.dependency.iter().map(String::as_str));
        }
    }
    let mut set = files.clone();
    set.file.retain(|file| wanted.contains(file.name()));
    set.file.iter_mut().for_each(|file| file.source_code_info = None);
    set
}

#[cfg(test)]
mod tests {
    use prost_types::FileDescriptorProto;

    use super::*;

    #[test]
    fn package_includes_all_its_imports() {
        let file = |name: &str, package: &str, imports: &[&str]| FileDescriptorProto {
            name: Some(name.to_owned()),
            package: Some(package.to_owned()),
            dependency: imports.iter().map(|&name| name.to_owned()).collect(),
            ..FileDescriptorProto::default()
        };
        let files = FileDescriptorSet {
            file: vec![
                file("empty.proto", "google.protobuf", &[]),
                file("unused.proto", "unused", &[]),
                file("common.proto", "common", &["empty.proto"]),
                file("v1/api.proto", "api.v1", &["common.proto"]),
                file("v2/api.proto", "api.v2", &["v1/api.proto"]),
            ],
        };
        let names = |package| {
            let set = of_package(package, &files).file.into_iter();
            set.map(|file| file.name.unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(names("common"), ["empty.proto", "common.proto"]);
        assert_eq!(names("api.v1"), ["empty.proto", "common.proto", "v1/api.proto"]);
        assert_eq!(names("api.v2").len(), 4);
    }

    #[test]
    fn file_is_named_after_its_package() {
        assert_eq!(file_name("hello.v1"), "hello.v1.descriptors.bin");
        assert_eq!(file_name(""), "_.descriptors.bin");
    }
}
