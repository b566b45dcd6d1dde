//! The package's guards, one by one: what each is, and what takes it out of the source.

use std::fs;
use std::path::{Path, PathBuf};

use crate::ScenarioError;

/// A guard.
#[derive(Debug, Clone, Copy)]
pub struct Guard {
    /// What it does.
    pub name: &'static str,
    /// The class that holds it, below `main`.
    pub file: &'static str,
    /// The text that is it.
    pub text: &'static str,
    /// What stands there without it.
    pub without: &'static str,
}

const fn guard(name: &'static str, file: &'static str, text: &'static str, without: &'static str) -> Guard {
    Guard {
        name,
        file,
        text,
        without,
    }
}

const CAPTURE: &str = "capture/classes/Capture.cls";
const MARKERS: &str = "shared/classes/ReconcileMarkers.cls";
const PUMP: &str = "dispatch/classes/Pump.cls";
const FINALIZER: &str = "dispatch/classes/PumpFinalizer.cls";
const DELIVERY: &str = "dispatch/classes/Delivery.cls";
const SWEEPER: &str = "dispatch/classes/Sweeper.cls";
const EFFECTS: &str = "shared/classes/Effects.cls";
const HEARTBEAT: &str = "dispatch/classes/Heartbeat.cls";

/// All guards of the save path and of the pump.
pub const GUARDS: &[Guard] = &[
    guard(
        "Capture catches every exception",
        CAPTURE,
        "        } catch (Exception e) {\n",
        "        } catch (NoAccessException e) {\n",
    ),
    guard(
        "an exception in Capture leaves a note",
        CAPTURE,
        "            ReconcileMarkers.leave(\n                String.valueOf(objectType),\n                'Capture failed: ' + e.getTypeName() + ', line ' + e.getLineNumber()\n            );",
        "            return;",
    ),
    guard(
        "a row that is refused leaves a note",
        CAPTURE,
        "            ReconcileMarkers.leave(captured.objectName, problem);\n",
        "",
    ),
    guard(
        "a row is written only where DML is left",
        CAPTURE,
        "if (!Room.forRow()) {",
        "if (Limits.getLimitDmlStatements() == 0) {",
    ),
    guard(
        "no work on a save is begun where CPU time runs short",
        "shared/classes/Room.cls",
        "Limits.getLimitCpuTime() * cpuShare &&",
        "Limits.getLimitCpuTime() * 1000 &&",
    ),
    guard(
        "rows are written in the system's name",
        EFFECTS,
        "Database.insert(record, false, AccessLevel.SYSTEM_MODE);\n        return",
        "Database.insert(record, false, AccessLevel.USER_MODE);\n        return",
    ),
    guard(
        "a note is written only where DML is left",
        MARKERS,
        "if (!Room.forRow()) {",
        "if (Limits.getLimitDmlStatements() == 0) {",
    ),
    guard(
        "a note that throws ends nowhere",
        MARKERS,
        "            return Effects.current.insertRecord(marker) == null;\n        } catch (Exception e) {",
        "            return Effects.current.insertRecord(marker) == null;\n        } catch (NoAccessException e) {",
    ),
    guard(
        "an event takes the place of a note",
        MARKERS,
        "return write(objectName, reason) || publish(objectName, reason);",
        "return write(objectName, reason);",
    ),
    guard(
        "an event is published only where one is left",
        MARKERS,
        "return Room.forEvent() &&\n",
        "return Limits.getLimitQueries() > 0 &&\n",
    ),
    guard(
        "events become notes",
        MARKERS,
        "isWritten = write(objectName, reasons.get(objectName)) && isWritten;",
        "isWritten = true;",
    ),
    guard(
        "an event whose note is refused comes again",
        MARKERS,
        "if (!isWritten && EventBus",
        "if (isWritten == null && EventBus",
    ),
    guard(
        "a pump is started only where a job is left",
        PUMP,
        "if (Room.forJob() && DispatchState",
        "if (DispatchState",
    ),
    guard(
        "a pump that cannot be started is no failure",
        PUMP,
        "        } catch (Exception e) {\n            // A duplicate",
        "        } catch (NoAccessException e) {\n            // A duplicate",
    ),
    guard(
        "no attempt is made before its time",
        "dispatch/classes/DispatchState.cls",
        "return next == null || next <= now;",
        "return true;",
    ),
    guard(
        "rows go only after everything in them was taken",
        DELIVERY,
        "        if (problem == null) {\n            drop();",
        "        if (problem == null || problem != null) {\n            drop();",
    ),
    guard(
        "an answer must speak of each change",
        "dispatch/classes/ChangePost.cls",
        "            throw new GatewayException(Trouble.of(Trouble.Reason.NOT_A_GATEWAY));\n",
        "            return;\n",
    ),
    guard(
        "what goes wrong with a claim ends nowhere",
        DELIVERY,
        "        } catch (Exception e) {\n            problem",
        "        } catch (NoAccessException e) {\n            problem",
    ),
    guard(
        "the finalizer starts the next pump",
        FINALIZER,
        "        if (minutes <= LONGEST_DELAY) {\n            Pump.start(depth + 1, minutes);\n        }\n",
        "",
    ),
    guard(
        "the sweeper sends what nobody sends",
        SWEEPER,
        "        Pump.startIfWaiting();\n",
        "",
    ),
    guard(
        "the sweeper hands over notes",
        SWEEPER,
        "        Heartbeat.start();\n",
        "",
    ),
    guard(
        "notes go only after the gateway took them",
        HEARTBEAT,
        "private Boolean isMarkersTaken = false;",
        "private Boolean isMarkersTaken = true;",
    ),
    guard(
        "the gateway is asked to compare",
        HEARTBEAT,
        "if (!objects.isEmpty()) {",
        "if (objects.size() > 1000) {",
    ),
];

/// Copies the package without one guard into a folder.
///
/// # Errors
/// When the guard is not where the list says, or a file cannot be read or written.
pub fn without(guard: &Guard, package: &Path, into: &Path) -> Result<PathBuf, ScenarioError> {
    copy(package, into)?;
    let path = into.join("main").join(guard.file);
    let text = fs::read_to_string(&path).map_err(|source| file(&path, source))?;
    if text.matches(guard.text).count() != 1 {
        return Err(ScenarioError::Process(format!(
            "{}: the guard {:?} is there {} times",
            guard.file,
            guard.name,
            text.matches(guard.text).count()
        )));
    }
    fs::write(&path, text.replace(guard.text, guard.without)).map_err(|source| file(&path, source))?;
    Ok(into.to_owned())
}

/// Everything but the tests, which speak of the whole package.
fn copy(from: &Path, into: &Path) -> Result<(), ScenarioError> {
    fs::create_dir_all(into).map_err(|source| file(into, source))?;
    for entry in fs::read_dir(from).map_err(|source| file(from, source))? {
        let path = entry.map_err(|source| file(from, source))?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() && name != "test" {
            copy(&path, &into.join(name))?;
        } else if path.is_file() {
            fs::copy(&path, into.join(name)).map_err(|source| file(&path, source))?;
        }
    }
    Ok(())
}

fn file(path: &Path, source: std::io::Error) -> ScenarioError {
    ScenarioError::File {
        path: path.display().to_string(),
        source,
    }
}
