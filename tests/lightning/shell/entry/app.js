import { createElement } from 'lwc';
import App from 'shell/app';

document.body.appendChild(createElement('shell-app', { is: App }));
