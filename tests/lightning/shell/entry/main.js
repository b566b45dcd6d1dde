import '@lwc/synthetic-shadow';
import { loadContext } from 'shell/server';
import { speak } from 'shell/language';

// Labels are constants of their modules: the language is known before any of them is loaded.
loadContext().then((context) => {
    speak(context.user);
    return import('./app.js');
});
