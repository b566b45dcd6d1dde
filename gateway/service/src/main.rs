//! The binary `causeway`.

fn main() -> std::process::ExitCode {
    causeway::cli::main()
}
