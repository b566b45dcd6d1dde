import java.io.File;
import java.nio.file.Path;
import net.sourceforge.pmd.PMDConfiguration;
import net.sourceforge.pmd.PmdAnalysis;
import net.sourceforge.pmd.lang.LanguageRegistry;
import net.sourceforge.pmd.reporting.Report;

/**
 * Runs PMD's Java interface: the packages bring no command line of its own.
 * Arguments: folders with the path separator between them, then rulesets.
 * Prints one line for each violation, in the end the number of files.
 */
public final class Practice {
    public static void main(String[] arguments) throws Exception {
        var configuration = new PMDConfiguration(LanguageRegistry.PMD);
        for (String folder : arguments[0].split(File.pathSeparator)) {
            configuration.addInputPath(Path.of(folder));
        }
        for (int i = 1; i < arguments.length; i++) {
            configuration.addRuleSet(arguments[i]);
        }
        configuration.setIgnoreIncrementalAnalysis(true);
        configuration.setFailOnError(false);
        try (var analysis = PmdAnalysis.create(configuration)) {
            if (analysis.getReporter().numErrors() > 0) {
                throw new IllegalArgumentException("A ruleset cannot be read");
            }
            int files = analysis.files().getCollectedFiles().size();
            Report report = analysis.performAnalysisAndCollectReport();
            for (var violation : report.getViolations()) {
                System.out.printf("%s:%d %s: %s%n", violation.getFileId().getOriginalPath(), violation.getBeginLine(),
                    violation.getRule().getName(), violation.getDescription().strip());
            }
            for (var error : report.getProcessingErrors()) {
                System.out.printf("%s: cannot be read: %s%n", error.getFileId().getOriginalPath(), error.getMsg());
            }
            System.out.println("checked " + files + " files");
        }
    }
}
