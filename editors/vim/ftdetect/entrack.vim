au BufRead,BufNewFile *.et setfiletype entrack
