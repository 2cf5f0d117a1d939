//! The benches are beside this file, each in its folder.
