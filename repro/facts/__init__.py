"""What is: data files, code, environment and trainers as they are found, by digest. No pandas."""
