import texts from 'shell:texts';

const FORMATS = {
    en: {
        groups: ',',
        decimals: '.',
        shortDate: 'M/d/yyyy',
        mediumDate: 'MMM d, yyyy',
        longDate: 'MMMM d, yyyy',
        shortTime: 'h:mm a',
        mediumTime: 'h:mm:ss a'
    },
    de: {
        groups: '.',
        decimals: ',',
        shortDate: 'dd.MM.yyyy',
        mediumDate: 'dd.MM.yyyy',
        longDate: 'd. MMMM yyyy',
        shortTime: 'HH:mm',
        mediumTime: 'HH:mm:ss'
    }
};

/** Language and formats of the user. */
export const language = { name: 'en', locale: 'en-US', timeZone: 'UTC', ...FORMATS.en };

/**
 * Speaks the user's language from now on; English where there is none.
 * @param {object} user with language, locale and timeZone
 */
export function speak(user) {
    const name = (user.language ?? '').split('_')[0];
    Object.assign(language, FORMATS[name] ?? FORMATS.en, {
        name: name in FORMATS ? name : 'en',
        locale: (user.locale ?? 'en_US').replace('_', '-'),
        timeZone: user.timeZone ?? 'UTC'
    });
    document.documentElement.lang = language.name;
}

/**
 * @param {string} name a label of the package
 * @returns {string} its text
 */
export function label(name) {
    return texts.languages[language.name]?.[name] ?? texts.languages.en[name];
}

/** @returns {object} the shell's own texts */
export function ownTexts() {
    return texts.own[language.name];
}

/**
 * @param {string} text a text with {0}, {1}, …
 * @param {...*} parts what takes their place
 * @returns {string} the whole
 */
export function fill(text, ...parts) {
    return parts.reduce((filled, part, index) => filled.replace(`{${index}}`, () => String(part ?? '')), text);
}
