// The shell's texts, as the build puts them together.
exports.__esModule = true;
exports.default = {
    languages: { en: {} },
    own: { en: require('./shell/labels/en.json'), de: require('./shell/labels/de.json') }
};
