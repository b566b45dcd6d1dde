// What exists: the standard objects as the type checker knows them, and what the package's sources declare.
import { basename } from "node:path";
import { elements, metadataOf, textOf } from "./project.mjs";
import { STANDARD_TABS } from "./standard-names.mjs";

// Kinds of components that the name of a file tells, by its suffix.
const KINDS = {
    app: "application",
    cls: "class",
    component: "component",
    customPermission: "customPermission",
    flexipage: "flexiPage",
    layout: "layout",
    object: "object",
    page: "page",
    permissionset: "permissionSet",
    tab: "tab",
    trigger: "trigger",
};

// Every custom object has them; settings and events have some of them.
const SYSTEM_FIELDS = [
    "Id",
    "Name",
    "OwnerId",
    "CreatedById",
    "CreatedDate",
    "LastModifiedById",
    "LastModifiedDate",
    "SystemModstamp",
    "IsDeleted",
];
const SYSTEM_PARENTS = { Owner: "User", CreatedBy: "User", LastModifiedBy: "User" };

/** Builds the inventory of a project; `standard` is what StandardObjects.java wrote. */
export function inventoryOf(project, standard) {
    const metadata = metadataOf(project).filter(({ root }) => root !== undefined);
    const components = new Map(Object.values(KINDS).map((kind) => [kind, new Map()]));
    const fields = new Map();
    const labels = new Map();
    for (const file of metadata) {
        components.get(KINDS[file.suffix])?.set(file.name, file);
        if (file.suffix === "field") {
            fields.set(`${file.object}.${file.name}`, file);
        } else if (file.suffix === "labels") {
            elements(file.root, "labels").forEach((label) => labels.set(textOf(label, "fullName"), { ...file, label }));
        }
    }
    const bundles = new Set(
        project.files.filter((path) => /\/lwc\/([^/]+)\/\1\.js$/.test(path)).map((path) => basename(path, ".js")),
    );

    /** The object's custom fields; those of Activity are the Task's and the Event's. */
    const customField = (object, field) =>
        fields.get(`${object}.${field}`) ??
        (["Task", "Event"].includes(object) ? fields.get(`Activity.${field}`) : undefined);

    const inventory = { metadata, components, fields, labels, bundles };

    inventory.has = (kind, name) => components.get(kind).has(name);
    inventory.object = (name) =>
        standard[name] !== undefined || components.get("object").has(name) || name === "PersonAccount";
    inventory.isStandardObject = (name) => standard[name] !== undefined;

    /** A tab of the package or of Salesforce; those of objects are called standard-Account and so on. */
    inventory.tab = (name) =>
        inventory.has("tab", name) ||
        STANDARD_TABS.has(name) ||
        (name.startsWith("standard-") && inventory.isStandardObject(name.slice("standard-".length)));

    /** Whether there is the field of a name as in Account.Name. */
    inventory.qualifiedField = (name) => {
        const [object, ...path] = name.split(".");
        return path.length > 0 && inventory.field(object, path.join("."));
    };

    /** Whether the object has the field; parents are walked, as in Account.Owner.Name. */
    inventory.field = (object, path) => {
        const [first, ...rest] = path.split(".");
        if (rest.length === 0) {
            return isField(object, first);
        }
        const parent = parentOf(object, first);
        return parent !== undefined && (parent === "Name" || inventory.field(parent, rest.join(".")));
    };

    function isField(object, name) {
        if (object === "PersonAccount") {
            return isField("Account", name) || personField(name);
        }
        if (customField(object, name)) {
            return true;
        }
        if (standard[object]) {
            return standard[object][name] === "";
        }
        return components.get("object").has(object) && SYSTEM_FIELDS.includes(name);
    }

    // A person account shows its contact's standard fields as PersonX and its custom ones as X__pc.
    function personField(name) {
        const contact = name.endsWith("__pc") ? name.replace(/__pc$/, "__c") : name.replace(/^Person/, "");
        return (contact !== name && isField("Contact", contact)) || isField("Contact", name);
    }

    function parentOf(object, relationship) {
        if (relationship.endsWith("__r")) {
            const lookup = customField(object, relationship.replace(/__r$/, "__c"));
            return lookup && textOf(lookup.root, "referenceTo");
        }
        const parent =
            standard[object]?.[relationship] ??
            (components.get("object").has(object) ? SYSTEM_PARENTS[relationship] : undefined);
        return parent && !parent.endsWith("[]") ? parent : undefined;
    }

    /** The object of a child relationship; undefined where there is none. */
    inventory.childObject = (object, relationship) => {
        const children = standard[object]?.[relationship];
        if (children?.endsWith("[]")) {
            return children.slice(0, -2);
        }
        const lookup = [...fields.values()].find(
            ({ root }) =>
                textOf(root, "referenceTo") === object && `${textOf(root, "relationshipName")}__r` === relationship,
        );
        return lookup?.object;
    };
    return inventory;
}
