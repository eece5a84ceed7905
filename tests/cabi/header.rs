//! The header as compilers see it.

use std::process::Command;

use crate::library::{library, source};
use crate::succeed;

fn check(compiler: &str, standard: &str, file: &str) {
    let mut command = Command::new(compiler);
    command.args([standard, "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", "-I"]).arg(library());
    command.arg(source(file));
    succeed(command);
}

#[test]
fn its_numbers_are_those_of_the_code() {
    check("cc", "-std=c11", "tests/cabi/layout.c");
}

#[test]
fn it_stands_alone_in_c_and_in_cpp() {
    for (compiler, language, standard) in
        [("cc", "c", "-std=c99"), ("cc", "c", "-std=c11"), ("c++", "c++", "-std=c++11"), ("c++", "c++", "-std=c++17")]
    {
        let mut command = Command::new(compiler);
        command.args(["-x", language, standard, "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"]);
        command.arg(library().join("lattice_config.h"));
        succeed(command);
    }
}
