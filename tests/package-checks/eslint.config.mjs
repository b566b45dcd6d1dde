// What Lightning Web Components are held to: Salesforce's recommended rules, for the components and their tests.
import recommended from "@salesforce/eslint-config-lwc/recommended.js";
import globals from "globals";

export default [
    ...recommended.map((config) => ({ ...config, files: ["**/lwc/**/*.js"] })),
    { files: ["**/lwc/**/__tests__/**/*.js"], languageOptions: { globals: globals.jest } },
];
