const path = require('node:path');
const tools = process.env.LIGHTNING_TOOLS;
const { jestConfig } = require(path.join(tools, 'node_modules/@salesforce/sfdx-lwc-jest/config'));

// The components lie in the package, the tools in a folder of their own, so that none knows of the others' folders.
module.exports = {
    ...jestConfig,
    rootDir: '../..',
    roots: ['<rootDir>/force-app', '<rootDir>/tests/lightning/shell'],
    modulePaths: [path.join(tools, 'node_modules')],
    moduleNameMapper: {
        '^shell:texts$': '<rootDir>/tests/lightning/jest.texts.js',
        '^shell/(.+)$': '<rootDir>/tests/lightning/shell/modules/shell/$1/$1',
        ...jestConfig.moduleNameMapper
    },
    setupFilesAfterEnv: [...(jestConfig.setupFilesAfterEnv ?? []), '<rootDir>/tests/lightning/jest.setup.js'],
    // The accessibility check takes a while on a busy machine.
    testTimeout: 60000,
    maxWorkers: 2,
    collectCoverageFrom: ['force-app/main/console/lwc/**/*.js', '!**/__tests__/**'],
    coverageDirectory: '<rootDir>/target/lightning-coverage'
};
