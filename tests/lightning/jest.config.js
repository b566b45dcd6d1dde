const { jestConfig } = require('@salesforce/sfdx-lwc-jest/config');

// The components lie in the package and the tools here, so that neither knows of the other's folders.
module.exports = {
    ...jestConfig,
    rootDir: '../..',
    roots: ['<rootDir>/force-app'],
    modulePaths: ['<rootDir>/tests/lightning/node_modules'],
    setupFilesAfterEnv: [...(jestConfig.setupFilesAfterEnv ?? []), '<rootDir>/tests/lightning/jest.setup.js'],
    // The accessibility check takes a while on a busy machine.
    testTimeout: 60000,
    maxWorkers: 2,
    collectCoverageFrom: ['force-app/main/console/lwc/**/*.js', '!**/__tests__/**'],
    coverageDirectory: '<rootDir>/target/lightning-coverage'
};
