// The queries in Apex: literals between brackets, and strings that begin like a query.
import { parseQuery } from "@jetstreamapp/soql-parser-js";

/** Apex without its comments, strings replaced by blanks; and the strings with the lines they stand on. */
export function lexed(source) {
    const strings = [];
    let line = 1;
    const code = source.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|\n/g, (token) => {
        const at = line;
        line += token.split("\n").length - 1;
        if (token.startsWith("'")) {
            strings.push({ line: at, text: token.slice(1, -1) });
            return "'" + " ".repeat(token.length - 2) + "'";
        }
        return token.replace(/[^\n]/g, " ");
    });
    return { code, strings };
}

/** The query literals of a class or trigger: [{line, text}]. */
export function literals(source) {
    const { code } = lexed(source);
    const found = [];
    for (const { index } of code.matchAll(/\[\s*SELECT\b/gi)) {
        let depth = 0;
        let end = index;
        do {
            depth += { "[": 1, "]": -1 }[code[end]] ?? 0;
            end += 1;
        } while (depth > 0 && end < code.length);
        found.push({ line: code.slice(0, index).split("\n").length, text: source.slice(index + 1, end - 1) });
    }
    return found;
}

/**
 * What a query names: [{object, field}] with the path of relationships in the field, the inner queries' too.
 * @throws where it is no query
 */
export function named(text) {
    const query = parseQuery(prepared(text), { allowApexBindVariables: true });
    return namedIn(query, query.sObject);
}

// Access modes and bind expressions are no part of the grammar that the parser knows.
function prepared(text) {
    return text
        .replace(/\bWITH\s+(SYSTEM_MODE|USER_MODE)\b/gi, " ")
        .replace(/:\s*[\w.]+(\([^()]*\))?(\.\w+(\([^()]*\))?)*/g, ":bind")
        .replace(/\b(LIMIT|OFFSET)\s+:bind/gi, "$1 1")
        .replace(/\s+/g, " ");
}

function namedIn(query, object) {
    const found = [{ object }];
    const add = (field) => field && found.push({ object, field });
    for (const field of query.fields ?? []) {
        if (field.type === "FieldSubquery") {
            const children = field.subquery.relationshipName;
            found.push({ object, children }, ...namedIn(field.subquery, `${object}/${children}`));
        } else if (field.type === "FieldFunctionExpression") {
            (field.parameters ?? []).forEach((parameter) => typeof parameter === "string" && add(parameter));
        } else if (field.type !== "FieldTypeof") {
            add((field.relationships ?? []).concat(field.field).join("."));
        }
    }
    conditions(query.where, found, object);
    for (const order of [query.orderBy ?? []].flat()) {
        add(order.field);
    }
    for (const group of [query.groupBy ?? []].flat()) {
        add(group.field);
    }
    return found;
}

function conditions(where, found, object) {
    for (let part = where; part; part = part.right) {
        if (part.left?.field) {
            found.push({ object, field: part.left.field });
        }
        if (part.left?.valueQuery) {
            found.push(...namedIn(part.left.valueQuery, part.left.valueQuery.sObject));
        }
    }
}
