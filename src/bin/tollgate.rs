//! The native companion of the filter.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tollgate::tool::check;

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
    let text = match check::read(&file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{name}: {error}");
            return ExitCode::from(2);
        }
    };
    match check::check(&text) {
        Ok(summary) => {
            for warning in summary.warnings() {
                eprintln!("{name}: warning: {warning}");
            }
            println!("{name}: ok: {summary}");
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
