//! The native companion of the filter.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tollgate::config::Config;

/// Tools for the Tollgate filter's configuration.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Checks a plugin configuration: every error at once, as Envoy's log has them.
    Check {
        /// The JSON file, or - for standard input.
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    let Command::Check { file } = Arguments::parse().command;
    let name = file.display();
    let text = match read(&file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{name}: {error}");
            return ExitCode::from(2);
        }
    };
    match Config::parse(&text) {
        Ok(config) => {
            for warning in &config.warnings {
                eprintln!("{name}: warning: {warning}");
            }
            println!("{name}: ok: {}", config.summary());
            ExitCode::SUCCESS
        }
        Err(errors) => {
            for error in &errors {
                eprintln!("{name}: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Reads a file, or standard input for `-`.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut text = Vec::new();
        io::stdin().read_to_end(&mut text)?;
        return Ok(text);
    }
    fs::read(file)
}
