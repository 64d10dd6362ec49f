import { mount } from 'svelte';
import './app.css';
import App from './App.svelte';
import { preferences } from './state/preferences.svelte';

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no element #app');
preferences.apply();
mount(App, { target });
