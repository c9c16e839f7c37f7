import { make } from './dom.js'

// The icon of the tab, made here so that the browser does not ask the host's root for a favicon.ico

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
  <path fill="#f0a03c" d="M6 17a10 10 0 0 1 20 0z"/>
  <path fill="#5b7fe8" d="M1 17h30v3H1zM6 22h20v3H6zM11 27h10v3H11z"/></svg>`
const iconUrl = URL.createObjectURL(new Blob([icon], { type: 'image/svg+xml' }))
document.head.append(make('link', { rel: 'icon', type: 'image/svg+xml', href: iconUrl }))
