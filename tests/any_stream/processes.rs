//! Pipes to a child process, and a pair of pipes.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::{env, iter};

use h2_sync::new_connection;

use crate::alone::{alone, this_test};
#[cfg(unix)]
use crate::exchange::between;
use crate::exchange::{as_client, as_server};

/// The environment variable that selects the child process.
const CHILD: &str = "H2_SYNC_ANY_STREAM_CHILD";

/// The test harness prints its own output before this line.
const START: &str = "HTTP/2 starts here";

#[test]
fn stdin_and_stdout_of_a_child_process() {
    if env::var_os(CHILD).is_some() {
        return serve_on_stdin_and_stdout();
    }
    let name = "processes::stdin_and_stdout_of_a_child_process";
    alone(name, || {
        let mut command = this_test(name);
        let mut child = piped(command.env(CHILD, "1"));
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut lines = iter::repeat_with(|| {
            let mut line = String::new();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "the child ended");
            line
        });
        lines.find(|line| line.trim_end() == START);
        let stdin = child.stdin.take().unwrap();
        as_client(&new_connection((stdout, stdin), true, false).unwrap());
        assert!(child.wait().unwrap().success());
    });
}

fn serve_on_stdin_and_stdout() {
    println!("\n{START}");
    as_server(&new_connection((io::stdin(), io::stdout()), false, false).unwrap());
}

#[cfg(unix)]
#[test]
fn a_pair_of_pipes() {
    alone("processes::a_pair_of_pipes", || {
        // `cat` connects its stdin to its stdout, and so acts as a pipe.
        let (mut there, mut back) =
            (piped(&mut Command::new("cat")), piped(&mut Command::new("cat")));
        let near = (back.stdout.take().unwrap(), there.stdin.take().unwrap());
        let far = (there.stdout.take().unwrap(), back.stdin.take().unwrap());
        between(near, far);
        for mut pipe in [there, back] {
            assert!(pipe.wait().unwrap().success());
        }
    });
}

fn piped(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}
