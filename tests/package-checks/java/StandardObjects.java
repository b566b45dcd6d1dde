import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeMap;
import java.util.jar.JarFile;

/**
 * Writes down which fields, parents and children the standard objects have, from the classes by which the type checker
 * knows them. Arguments: the jar of the standard objects, the file to write.
 * JSON: object -> name -> "" for a plain field, "Object" for a parent, "Object[]" for children.
 */
public final class StandardObjects {
    private static final String FOLDER = "com/nawforce/runforce/SObjects/";

    private static final Set<String> COMPOUND = Set.of("Address", "Location");

    public static void main(String[] arguments) throws Exception {
        var objects = new TreeMap<String, String>();
        try (var jar = new JarFile(arguments[0])) {
            for (var entry : (Iterable<java.util.jar.JarEntry>) jar.stream()::iterator) {
                String name = entry.getName();
                if (name.startsWith(FOLDER) && name.endsWith(".class") && !name.contains("$")) {
                    String object = name.substring(FOLDER.length(), name.length() - ".class".length());
                    objects.put(object, fields(Class.forName(name.replace('/', '.').replace(".class", ""), false,
                        StandardObjects.class.getClassLoader())));
                }
            }
        }
        var json = new StringBuilder("{\n");
        objects.forEach((object, fields) -> json.append(json.length() > 2 ? ",\n" : "")
            .append('"').append(object).append("\":{").append(fields).append('}'));
        Files.writeString(Path.of(arguments[1]), json.append("\n}\n"));
    }

    private static String fields(Class<?> object) {
        var json = new StringBuilder();
        for (Field field : object.getFields()) {
            if (Modifier.isStatic(field.getModifiers())) {
                continue;
            }
            Class<?> type = field.getType();
            Class<?> element = type.isArray() ? type.getComponentType() : type;
            // Compound fields have classes too, and are fields all the same.
            boolean related = element.getName().replace('.', '/').startsWith(FOLDER)
                && !COMPOUND.contains(element.getSimpleName());
            String target = related
                ? element.getSimpleName() + (type.isArray() ? "[]" : "") : "";
            json.append(json.length() > 0 ? "," : "")
                .append('"').append(field.getName().replace("$", "")).append("\":\"").append(target).append('"');
        }
        return json.toString();
    }
}
